import {
  type Collection,
  type EntityName,
  EntityRepository,
  type EntityRepositoryType,
  type EventArgs,
  type EventSubscriber,
  type OptionalProps,
  type Ref,
  type ScalarReference,
  Type,
} from '@mikro-orm/core';

// What the entities of every style look like to the cases.

export interface Publisher {
  id: number;
  name: string;
  books: Collection<Book>;
  [OptionalProps]?: 'books';
}

export interface Profile {
  id: number;
  bio: string;
  author: Author | Ref<Author> | null;
  [OptionalProps]?: 'author';
}

export interface Author {
  id: number;
  name: string;
  bornOn: string | null;
  profile: Ref<Profile> | null;
  books: Collection<Book>;
  [OptionalProps]?: 'bornOn' | 'profile' | 'books';
}

export interface Book {
  id: number;
  title: string;
  details: { pages: number; formats: string[] } | null;
  publishedAt: Date | null;
  author: Ref<Author>;
  publisher: Publisher | Ref<Publisher> | null;
  tags: Collection<Tag>;
  [OptionalProps]?: 'details' | 'publishedAt' | 'publisher' | 'tags';
}

export interface Tag {
  id: number;
  name: string;
  books: Collection<Book>;
  [OptionalProps]?: 'books';
}

export interface RelationModel {
  readonly Publisher: EntityName<Publisher>;
  readonly Profile: EntityName<Profile>;
  readonly Author: EntityName<Author>;
  readonly Book: EntityName<Book>;
  readonly Tag: EntityName<Tag>;
}

export interface Address {
  street: string;
  city: string;
}

export interface Shelf {
  id: number;
  label: string;
  /** Made by a hook. */
  slug: string;
  createdAt: Date;
  updatedAt: Date;
  version: number;
  /** How often hooks ran for this entity, of which there is one of each kind. */
  created: number;
  updated: number;
  /** Set by the subscriber: the database it saw, and how many tenants its instance has served. */
  seenIn: string;
  tenantsSeen: number;
  /** Not in the database: a hook's work. */
  isLoaded: boolean;
  loudLabel: string;
  address: Address | null;
  price: Money;
  notes: ScalarReference<string> | null;
  boxes: Collection<Box>;
  [OptionalProps]?: Exclude<keyof Shelf, 'label' | 'price'>;
  [EntityRepositoryType]?: ShelfRepository;
}

export interface Box {
  id: number;
  label: string;
  shelf: Shelf;
}

export interface Animal {
  id: number;
  name: string;
  kind: 'cat' | 'dog';
  [OptionalProps]?: 'kind';
}

export interface Cat extends Animal {
  lives: number;
}

export interface Dog extends Animal {
  tricks: string[];
}

export interface BehaviourModel {
  readonly Shelf: EntityName<Shelf>;
  readonly Box: EntityName<Box>;
  readonly Animal: EntityName<Animal>;
  readonly Cat: EntityName<Cat>;
  readonly Dog: EntityName<Dog>;
}

/** An amount whose shape in JavaScript is not that in the database. */
export class Money {
  readonly cents: bigint;
  readonly currency: string;

  constructor(cents: bigint, currency: string) {
    this.cents = cents;
    this.currency = currency;
  }
}

/** `12.34 EUR` in the database. */
export class MoneyType extends Type<Money, string> {
  override convertToDatabaseValue(value: Money | string): string {
    if (typeof value === 'string') {
      return value;
    }
    const digits = value.cents.toString().padStart(3, '0');
    return `${digits.slice(0, -2)}.${digits.slice(-2)} ${value.currency}`;
  }

  override convertToJSValue(value: Money | string): Money {
    if (typeof value !== 'string') {
      return value;
    }
    const [amount = '', currency = ''] = value.split(' ');
    return new Money(BigInt(amount.replace('.', '')), currency);
  }

  override getColumnType(): string {
    return 'varchar(32)';
  }
}

export class ShelfRepository extends EntityRepository<Shelf> {
  async labelled(label: string): Promise<Shelf> {
    return this.findOneOrFail({ label });
  }
}

/** Each tenant has its own instance, which must never see another tenant's driver. */
export class ShelfSubscriber implements EventSubscriber {
  readonly #drivers = new Set<unknown>();

  beforeCreate({ entity, em }: EventArgs<object>): void {
    if ('seenIn' in entity || 'tenantsSeen' in entity) {
      this.#drivers.add(em.getDriver());
      Object.assign(entity, { seenIn: em.config.get('dbName'), tenantsSeen: this.#drivers.size });
    }
  }
}

export function slugOf(label: string): string {
  return label.toLowerCase().replaceAll(' ', '-');
}
