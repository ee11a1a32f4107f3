import { Collection, EntitySchema, type Ref, type ScalarReference } from '@mikro-orm/core';
import type { Definition } from './describeCases.ts';
import {
  type BehaviourModel,
  type Money,
  MoneyType,
  type RelationModel,
  ShelfRepository,
  ShelfSubscriber,
  slugOf,
} from './Library.ts';

const id = { type: 'integer', primary: true, autoincrement: true } as const;

class Publisher {
  id!: number;
  name!: string;
  books = new Collection<Book>(this);
}

class Profile {
  id!: number;
  bio!: string;
  author?: Author | null;
}

class Author {
  id!: number;
  name!: string;
  bornOn?: string | null;
  profile?: Ref<Profile> | null;
  books = new Collection<Book>(this);
}

class Book {
  id!: number;
  title!: string;
  details?: { pages: number; formats: string[] } | null;
  publishedAt?: Date | null;
  author!: Ref<Author>;
  publisher?: Publisher | null;
  tags = new Collection<Tag>(this);
}

class Tag {
  id!: number;
  name!: string;
  books = new Collection<Book>(this);
}

export const relations: Definition<RelationModel> = {
  orm: {
    entities: [
      new EntitySchema<Publisher>({
        class: Publisher,
        properties: {
          id,
          name: { type: 'string' },
          books: { kind: '1:m', entity: () => Book, mappedBy: 'publisher' },
        },
      }),
      new EntitySchema<Profile>({
        class: Profile,
        properties: {
          id,
          bio: { type: 'string' },
          author: { kind: '1:1', entity: () => Author, mappedBy: 'profile', nullable: true },
        },
      }),
      new EntitySchema<Author>({
        class: Author,
        properties: {
          id,
          name: { type: 'string' },
          bornOn: { type: 'date', nullable: true },
          profile: { kind: '1:1', entity: () => Profile, inversedBy: 'author', owner: true, ref: true, nullable: true },
          books: { kind: '1:m', entity: () => Book, mappedBy: 'author' },
        },
      }),
      new EntitySchema<Book>({
        class: Book,
        properties: {
          id,
          title: { type: 'string' },
          details: { type: 'json', nullable: true },
          publishedAt: { type: 'datetime', nullable: true },
          author: { kind: 'm:1', entity: () => Author, inversedBy: 'books', ref: true },
          publisher: { kind: 'm:1', entity: () => Publisher, inversedBy: 'books', nullable: true },
          tags: { kind: 'm:n', entity: () => Tag, inversedBy: 'books', owner: true, pivotTable: 'book_tag' },
        },
      }),
      new EntitySchema<Tag>({
        class: Tag,
        properties: { id, name: { type: 'string' }, books: { kind: 'm:n', entity: () => Book, mappedBy: 'tags' } },
      }),
    ],
  },
  model: { Publisher, Profile, Author, Book, Tag } as unknown as RelationModel,
};

class Address {
  street!: string;
  city!: string;
}

class Shelf {
  id!: number;
  label!: string;
  slug = '';
  createdAt = new Date();
  updatedAt = new Date();
  version!: number;
  created = 0;
  updated = 0;
  seenIn = '';
  tenantsSeen = 0;
  isLoaded = false;
  loudLabel?: string;
  address?: Address | null;
  price!: Money;
  notes?: ScalarReference<string> | null;
  boxes = new Collection<Box>(this);

  onCreating(): void {
    this.slug = slugOf(this.label);
    this.created += 1;
  }

  onUpdating(): void {
    this.slug = slugOf(this.label);
    this.updated += 1;
  }

  onLoaded(): void {
    this.isLoaded = true;
  }
}

class Box {
  id!: number;
  label!: string;
  shelf!: Shelf;
}

class Animal {
  id!: number;
  name!: string;
  kind!: string;
}

class Cat extends Animal {
  lives!: number;
}

class Dog extends Animal {
  tricks!: string[];
}

export const behaviour: Definition<BehaviourModel> = {
  orm: {
    subscribers: [ShelfSubscriber],
    entities: [
      new EntitySchema<Address>({
        class: Address,
        embeddable: true,
        properties: { street: { type: 'string' }, city: { type: 'string' } },
      }),
      new EntitySchema<Shelf>({
        class: Shelf,
        repository: () => ShelfRepository,
        filters: { labelled: { name: 'labelled', cond: ({ label }) => ({ label }), default: false } },
        hooks: { beforeCreate: ['onCreating'], beforeUpdate: ['onUpdating'], onLoad: ['onLoaded'] },
        properties: {
          id,
          label: { type: 'string' },
          slug: { type: 'string' },
          createdAt: { type: 'datetime' },
          updatedAt: { type: 'datetime', onUpdate: () => new Date() },
          version: { type: 'integer', version: true },
          created: { type: 'integer' },
          updated: { type: 'integer' },
          seenIn: { type: 'string' },
          tenantsSeen: { type: 'integer' },
          isLoaded: { type: 'boolean', persist: false },
          loudLabel: { type: 'string', formula: (columns) => `upper(${columns.label})` },
          address: { kind: 'embedded', entity: () => Address, nullable: true },
          price: { type: MoneyType },
          notes: { type: 'text', nullable: true, lazy: true, ref: true },
          boxes: { kind: '1:m', entity: () => Box, mappedBy: 'shelf', orphanRemoval: true },
        },
      }),
      new EntitySchema<Box>({
        class: Box,
        properties: { id, label: { type: 'string' }, shelf: { kind: 'm:1', entity: () => Shelf } },
      }),
      new EntitySchema<Animal>({
        class: Animal,
        discriminatorColumn: 'kind',
        discriminatorValue: 'animal',
        properties: { id, name: { type: 'string' }, kind: { enum: true, items: ['animal', 'cat', 'dog'] } },
      }),
      new EntitySchema<Cat, Animal>({
        class: Cat,
        extends: Animal,
        discriminatorValue: 'cat',
        properties: { lives: { type: 'integer' } },
      }),
      new EntitySchema<Dog, Animal>({
        class: Dog,
        extends: Animal,
        discriminatorValue: 'dog',
        properties: { tricks: { type: 'array' } },
      }),
    ],
  },
  model: { Shelf, Box, Animal, Cat, Dog } as unknown as BehaviourModel,
};
