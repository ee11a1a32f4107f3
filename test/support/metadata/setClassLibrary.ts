import { Collection, defineEntity, type EventArgs, type Opt, p } from '@mikro-orm/core';
import type { Definition } from './describeCases.ts';
import {
  type BehaviourModel,
  MoneyType,
  type RelationModel,
  ShelfRepository,
  ShelfSubscriber,
  slugOf,
} from './Library.ts';

const key = () => p.integer().primary().autoincrement();

const PublisherSchema = defineEntity({
  name: 'Publisher',
  properties: { id: key(), name: p.string(), books: () => p.oneToMany(Book).mappedBy('publisher') },
});
class Publisher extends PublisherSchema.class {}
PublisherSchema.setClass(Publisher);

const ProfileSchema = defineEntity({
  name: 'Profile',
  properties: { id: key(), bio: p.string(), author: () => p.oneToOne(Author).mappedBy('profile').nullable() },
});
class Profile extends ProfileSchema.class {}
ProfileSchema.setClass(Profile);

const AuthorSchema = defineEntity({
  name: 'Author',
  properties: {
    id: key(),
    name: p.string(),
    bornOn: p.date().nullable(),
    profile: () => p.oneToOne(Profile).owner().ref().nullable().inversedBy('author'),
    books: () => p.oneToMany(Book).mappedBy('author'),
  },
});
class Author extends AuthorSchema.class {
  get initials(): string {
    return this.name.slice(0, 1);
  }
}
AuthorSchema.setClass(Author);

const BookSchema = defineEntity({
  name: 'Book',
  properties: {
    id: key(),
    title: p.string(),
    details: p.json<{ pages: number; formats: string[] }>().nullable(),
    publishedAt: p.datetime().nullable(),
    author: () => p.manyToOne(Author).ref().inversedBy('books'),
    publisher: () => p.manyToOne(Publisher).nullable().inversedBy('books'),
    tags: () => p.manyToMany(Tag).owner().pivotTable('book_tag').inversedBy('books'),
  },
});
class Book extends BookSchema.class {}
BookSchema.setClass(Book);

const TagSchema = defineEntity({
  name: 'Tag',
  properties: { id: key(), name: p.string(), books: () => p.manyToMany(Book).mappedBy('tags') },
});
class Tag extends TagSchema.class {}
TagSchema.setClass(Tag);

export const relations: Definition<RelationModel> = {
  orm: { entities: [Publisher, Profile, Author, Book, Tag] },
  model: { Publisher, Profile, Author, Book, Tag } as unknown as RelationModel,
};

class Address {
  street!: string;
  city!: string;
}
const AddressSchema = defineEntity({
  class: Address,
  embeddable: true,
  properties: { street: p.string(), city: p.string() },
});

/** A class of the application's own, which the definition only describes. */
class Shelf {
  id!: number;
  label!: string;
  slug: Opt<string> = '';
  createdAt: Opt<Date> = new Date();
  updatedAt: Opt<Date> = new Date();
  version!: Opt<number>;
  created: Opt<number> = 0;
  updated: Opt<number> = 0;
  seenIn: Opt<string> = '';
  tenantsSeen: Opt<number> = 0;
  isLoaded: Opt<boolean> = false;
  boxes = new Collection<Box>(this);

  onCreating(): void {
    this.slug = slugOf(this.label);
    this.created += 1;
  }

  onUpdating({ entity }: EventArgs<Shelf>): void {
    entity.slug = slugOf(entity.label);
    entity.updated += 1;
  }

  onLoaded(): void {
    this.isLoaded = true;
  }
}
const ShelfSchema = defineEntity({
  class: Shelf,
  repository: () => ShelfRepository,
  filters: { labelled: { name: 'labelled', cond: ({ label }) => ({ label }), default: false } },
  hooks: { beforeCreate: ['onCreating'], beforeUpdate: ['onUpdating'], onLoad: ['onLoaded'] },
  properties: {
    id: key(),
    label: p.string(),
    slug: p.string(),
    createdAt: p.datetime(),
    updatedAt: p.datetime().onUpdate(() => new Date()),
    version: p.integer().version(),
    created: p.integer(),
    updated: p.integer(),
    seenIn: p.string(),
    tenantsSeen: p.integer(),
    isLoaded: p.boolean().persist(false),
    loudLabel: p.string().formula((columns) => `upper(${columns['label']})`),
    address: () => p.embedded(Address).nullable(),
    price: p.type(MoneyType),
    notes: p.text().nullable().lazy().ref(),
    boxes: () => p.oneToMany(Box).mappedBy('shelf').orphanRemoval(),
  },
});

const BoxSchema = defineEntity({
  name: 'Box',
  properties: { id: key(), label: p.string(), shelf: () => p.manyToOne(Shelf) },
});
class Box extends BoxSchema.class {}
BoxSchema.setClass(Box);

const AnimalSchema = defineEntity({
  name: 'Animal',
  discriminatorColumn: 'kind',
  discriminatorValue: 'animal',
  properties: { id: key(), name: p.string(), kind: p.enum(['animal', 'cat', 'dog']) },
});
class Animal extends AnimalSchema.class {}
AnimalSchema.setClass(Animal);

const CatSchema = defineEntity({
  name: 'Cat',
  extends: AnimalSchema,
  discriminatorValue: 'cat',
  properties: { lives: p.integer() },
});
class Cat extends CatSchema.class {}
CatSchema.setClass(Cat);

const DogSchema = defineEntity({
  name: 'Dog',
  extends: AnimalSchema,
  discriminatorValue: 'dog',
  properties: { tricks: p.array() },
});
class Dog extends DogSchema.class {}
DogSchema.setClass(Dog);

export const behaviour: Definition<BehaviourModel> = {
  orm: { entities: [ShelfSchema, Box, AddressSchema, Animal, Cat, Dog], subscribers: [ShelfSubscriber] },
  model: { Shelf, Box, Animal, Cat, Dog } as unknown as BehaviourModel,
};
