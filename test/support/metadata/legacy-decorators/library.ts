import { Collection, type EventArgs, type Ref, type ScalarReference } from '@mikro-orm/core';
import {
  BeforeCreate,
  BeforeUpdate,
  Embeddable,
  Embedded,
  Entity,
  Enum,
  Filter,
  Formula,
  ManyToMany,
  ManyToOne,
  OneToMany,
  OneToOne,
  OnLoad,
  PrimaryKey,
  Property,
  ReflectMetadataProvider,
} from '@mikro-orm/decorators/legacy';
import type { Definition } from '../describeCases.ts';
import {
  type BehaviourModel,
  type Money,
  MoneyType,
  type RelationModel,
  ShelfRepository,
  ShelfSubscriber,
  slugOf,
} from '../Library.ts';

@Entity()
class Publisher {
  @PrimaryKey()
  id!: number;

  @Property()
  name!: string;

  @OneToMany(() => Book, 'publisher')
  books = new Collection<Book>(this);
}

@Entity()
class Profile {
  @PrimaryKey()
  id!: number;

  @Property()
  bio!: string;

  @OneToOne({ entity: () => Author, mappedBy: 'profile', nullable: true })
  author?: Author | null;
}

@Entity()
class Author {
  @PrimaryKey()
  id!: number;

  @Property()
  name!: string;

  @Property({ type: 'date', nullable: true })
  bornOn?: string | null;

  @OneToOne({ entity: () => Profile, inversedBy: 'author', owner: true, ref: true, nullable: true })
  profile?: Ref<Profile> | null;

  @OneToMany(() => Book, 'author')
  books = new Collection<Book>(this);
}

@Entity()
class Book {
  @PrimaryKey()
  id!: number;

  @Property()
  title!: string;

  @Property({ type: 'json', nullable: true })
  details?: { pages: number; formats: string[] } | null;

  @Property({ type: 'datetime', nullable: true })
  publishedAt?: Date | null;

  @ManyToOne(() => Author, { inversedBy: 'books', ref: true })
  author!: Ref<Author>;

  @ManyToOne(() => Publisher, { inversedBy: 'books', nullable: true })
  publisher?: Publisher | null;

  @ManyToMany({ entity: () => Tag, inversedBy: 'books', owner: true, pivotTable: 'book_tag' })
  tags = new Collection<Tag>(this);
}

@Entity()
class Tag {
  @PrimaryKey()
  id!: number;

  @Property()
  name!: string;

  @ManyToMany(() => Book, 'tags')
  books = new Collection<Book>(this);
}

export const relations: Definition<RelationModel> = {
  orm: { metadataProvider: ReflectMetadataProvider, entities: [Publisher, Profile, Author, Book, Tag] },
  model: { Publisher, Profile, Author, Book, Tag } as unknown as RelationModel,
};

@Embeddable()
class Address {
  @Property()
  street!: string;

  @Property({ type: 'string' })
  city!: string;
}

@Entity({ repository: () => ShelfRepository })
@Filter({ name: 'labelled', cond: ({ label }) => ({ label }), default: false })
class Shelf {
  @PrimaryKey()
  id!: number;

  @Property()
  label!: string;

  @Property({ type: 'string' })
  slug = '';

  @Property()
  createdAt: Date = new Date();

  @Property({ type: 'datetime', onUpdate: () => new Date() })
  updatedAt = new Date();

  @Property({ type: 'integer', version: true })
  version!: number;

  @Property()
  created: number = 0;

  @Property({ type: 'integer' })
  updated = 0;

  @Property({ type: 'string' })
  seenIn = '';

  @Property({ type: 'integer' })
  tenantsSeen = 0;

  @Property({ type: 'boolean', persist: false })
  isLoaded = false;

  @Formula((columns) => `upper(${String(columns['label' as never])})`, { type: 'string' })
  loudLabel?: string;

  @Embedded(() => Address, { nullable: true })
  address?: Address | null;

  @Property({ type: MoneyType })
  price!: Money;

  @Property({ type: 'text', nullable: true, lazy: true, ref: true })
  notes?: ScalarReference<string> | null;

  @OneToMany({ entity: () => Box, mappedBy: 'shelf', orphanRemoval: true })
  boxes = new Collection<Box>(this);

  @BeforeCreate()
  onCreating(): void {
    this.slug = slugOf(this.label);
    this.created += 1;
  }

  @BeforeUpdate()
  onUpdating({ entity }: EventArgs<Shelf>): void {
    entity.slug = slugOf(entity.label);
    entity.updated += 1;
  }

  @OnLoad()
  onLoaded(): void {
    this.isLoaded = true;
  }
}

@Entity()
class Box {
  @PrimaryKey()
  id!: number;

  @Property()
  label!: string;

  @ManyToOne(() => Shelf)
  shelf!: Shelf;
}

@Entity({ discriminatorColumn: 'kind', discriminatorValue: 'animal' })
class Animal {
  @PrimaryKey()
  id!: number;

  @Property()
  name!: string;

  @Enum({ items: ['animal', 'cat', 'dog'] })
  kind!: string;
}

@Entity({ discriminatorValue: 'cat' })
class Cat extends Animal {
  @Property()
  lives!: number;
}

@Entity({ discriminatorValue: 'dog' })
class Dog extends Animal {
  @Property({ type: 'array' })
  tricks!: string[];
}

export const behaviour: Definition<BehaviourModel> = {
  orm: {
    metadataProvider: ReflectMetadataProvider,
    entities: [Shelf, Box, Address, Animal, Cat, Dog],
    subscribers: [ShelfSubscriber],
  },
  model: { Shelf, Box, Animal, Cat, Dog } as unknown as BehaviourModel,
};
