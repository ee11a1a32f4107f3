import { defineEntity, type EventArgs, p } from '@mikro-orm/core';
import type { Definition } from './describeCases.ts';
import {
  type BehaviourModel,
  MoneyType,
  type RelationModel,
  ShelfRepository,
  ShelfSubscriber,
  slugOf,
} from './Library.ts';

const Publisher = defineEntity({
  name: 'Publisher',
  properties: {
    id: p.integer().primary().autoincrement(),
    name: p.string(),
    books: () => p.oneToMany(Book).mappedBy('publisher'),
  },
});

const Profile = defineEntity({
  name: 'Profile',
  properties: {
    id: p.integer().primary().autoincrement(),
    bio: p.string(),
    author: () => p.oneToOne(Author).mappedBy('profile').nullable(),
  },
});

const Author = defineEntity({
  name: 'Author',
  properties: {
    id: p.integer().primary().autoincrement(),
    name: p.string(),
    bornOn: p.date().nullable(),
    profile: () => p.oneToOne(Profile).owner().ref().nullable().inversedBy('author'),
    books: () => p.oneToMany(Book).mappedBy('author'),
  },
});

const Book = defineEntity({
  name: 'Book',
  properties: {
    id: p.integer().primary().autoincrement(),
    title: p.string(),
    details: p.json<{ pages: number; formats: string[] }>().nullable(),
    publishedAt: p.datetime().nullable(),
    author: () => p.manyToOne(Author).ref().inversedBy('books'),
    publisher: () => p.manyToOne(Publisher).nullable().inversedBy('books'),
    tags: () => p.manyToMany(Tag).owner().pivotTable('book_tag').inversedBy('books'),
  },
});

const Tag = defineEntity({
  name: 'Tag',
  properties: {
    id: p.integer().primary().autoincrement(),
    name: p.string(),
    books: () => p.manyToMany(Book).mappedBy('tags'),
  },
});

export const relations: Definition<RelationModel> = {
  orm: { entities: [Publisher, Profile, Author, Book, Tag] },
  model: { Publisher, Profile, Author, Book, Tag } as unknown as RelationModel,
};

const Address = defineEntity({
  name: 'Address',
  embeddable: true,
  properties: { street: p.string(), city: p.string() },
});

type Hooked = EventArgs<{ label: string; slug: string; created: number; updated: number; isLoaded: boolean }>;

const Shelf = defineEntity({
  name: 'Shelf',
  repository: () => ShelfRepository,
  filters: {
    labelled: { name: 'labelled', cond: ({ label }) => ({ label }), default: false },
  },
  hooks: {
    beforeCreate: [
      ({ entity }: Hooked) => {
        entity.slug = slugOf(entity.label);
        entity.created += 1;
      },
    ],
    beforeUpdate: [
      ({ entity }: Hooked) => {
        entity.slug = slugOf(entity.label);
        entity.updated += 1;
      },
    ],
    onLoad: [
      ({ entity }: Hooked) => {
        entity.isLoaded = true;
      },
    ],
  },
  properties: {
    id: p.integer().primary().autoincrement(),
    label: p.string(),
    slug: p.string().default(''),
    createdAt: p.datetime().onCreate(() => new Date()),
    updatedAt: p
      .datetime()
      .onCreate(() => new Date())
      .onUpdate(() => new Date()),
    version: p.integer().version(),
    created: p
      .integer()
      .default(0)
      .onCreate(() => 0),
    updated: p
      .integer()
      .default(0)
      .onCreate(() => 0),
    seenIn: p.string().default(''),
    tenantsSeen: p.integer().default(0),
    isLoaded: p.boolean().persist(false),
    loudLabel: p.string().formula((columns) => `upper(${columns['label']})`),
    address: () => p.embedded(Address).nullable(),
    price: p.type(MoneyType),
    notes: p.text().nullable().lazy().ref(),
    boxes: () => p.oneToMany(Box).mappedBy('shelf').orphanRemoval(),
  },
});

const Box = defineEntity({
  name: 'Box',
  properties: {
    id: p.integer().primary().autoincrement(),
    label: p.string(),
    shelf: () => p.manyToOne(Shelf),
  },
});

const Animal = defineEntity({
  name: 'Animal',
  discriminatorColumn: 'kind',
  discriminatorValue: 'animal',
  properties: { id: p.integer().primary().autoincrement(), name: p.string(), kind: p.enum(['animal', 'cat', 'dog']) },
});

const Cat = defineEntity({
  name: 'Cat',
  extends: Animal,
  discriminatorValue: 'cat',
  properties: { lives: p.integer() },
});

const Dog = defineEntity({
  name: 'Dog',
  extends: Animal,
  discriminatorValue: 'dog',
  properties: { tricks: p.array() },
});

export const behaviour: Definition<BehaviourModel> = {
  orm: { entities: [Shelf, Box, Address, Animal, Cat, Dog], subscribers: [ShelfSubscriber] },
  model: { Shelf, Box, Animal, Cat, Dog } as unknown as BehaviourModel,
};
