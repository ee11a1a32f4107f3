import { Cascade, Collection, EntitySchema } from '@mikro-orm/core';

/**
 * The entities of a small application, as classes that are new with each call. Tenants have one set; plain MikroORM
 * needs another, because it writes its ORM into the prototypes of the classes that it discovers.
 */
export function houseEntities() {
  class Person {
    id!: number;
    name!: string;
    houses = new Collection<House>(this);
  }

  class Room {
    id!: number;
    name!: string;
    house!: House;
  }

  class Tag {
    id!: number;
    name!: string;
  }

  class Deed {
    id!: number;
    number!: string;
    house!: House;
  }

  class House {
    id!: number;
    address!: string;
    facts!: Record<string, unknown>;
    listedAt!: Date;
    /** Bidirectional, with MikroORM's default cascade. */
    owner?: Person | null;
    /** Without any cascade. */
    agent?: Person | null;
    /** Cascades everything. */
    heir?: Person | null;
    /** Orphans are removed. */
    rooms = new Collection<Room>(this);
    tags = new Collection<Tag>(this);
    deed?: Deed | null;
  }

  const schemas = [
    new EntitySchema<Person>({
      class: Person,
      properties: {
        id: { type: 'integer', primary: true },
        name: { type: 'text' },
        houses: { kind: '1:m', entity: () => House, mappedBy: 'owner' },
      },
    }),
    new EntitySchema<Room>({
      class: Room,
      properties: {
        id: { type: 'integer', primary: true },
        name: { type: 'text' },
        house: { kind: 'm:1', entity: () => House, inversedBy: 'rooms' },
      },
    }),
    new EntitySchema<Tag>({
      class: Tag,
      properties: { id: { type: 'integer', primary: true }, name: { type: 'text' } },
    }),
    new EntitySchema<Deed>({
      class: Deed,
      properties: {
        id: { type: 'integer', primary: true },
        number: { type: 'text' },
        house: { kind: '1:1', entity: () => House, inversedBy: 'deed' },
      },
    }),
    new EntitySchema<House>({
      class: House,
      properties: {
        id: { type: 'integer', primary: true },
        address: { type: 'text' },
        facts: { type: 'json' },
        listedAt: { type: 'datetime' },
        owner: { kind: 'm:1', entity: () => Person, inversedBy: 'houses', nullable: true },
        agent: { kind: 'm:1', entity: () => Person, nullable: true, cascade: [] },
        heir: { kind: 'm:1', entity: () => Person, nullable: true, cascade: [Cascade.ALL] },
        rooms: { kind: '1:m', entity: () => Room, mappedBy: 'house', orphanRemoval: true },
        tags: { kind: 'm:n', entity: () => Tag },
        deed: { kind: '1:1', entity: () => Deed, mappedBy: 'house', orphanRemoval: true },
      },
    }),
  ];
  return { Person, Room, Tag, Deed, House, schemas };
}

export type HouseEntities = ReturnType<typeof houseEntities>;

/** The set of the tenants. */
export const { Person, Room, Tag, Deed, House, schemas: entities } = houseEntities();
export type Person = InstanceType<typeof Person>;
export type Room = InstanceType<typeof Room>;
export type Tag = InstanceType<typeof Tag>;
export type Deed = InstanceType<typeof Deed>;
export type House = InstanceType<typeof House>;

/** The tables of the entities. */
export const tables = ['person', 'tag', 'house', 'room', 'deed', 'house_tags'] as const;

export const schema = [
  'create table person (id serial primary key, name text not null)',
  'create table tag (id serial primary key, name text not null)',
  `create table house (id serial primary key, address text not null, facts jsonb not null default '{"rooms": [1, 2]}',
     listed_at timestamptz not null default '2024-02-29T12:00:00Z', owner_id int references person,
     agent_id int references person, heir_id int references person)`,
  'create table room (id serial primary key, name text not null, house_id int not null references house)',
  'create table deed (id serial primary key, number text not null, house_id int not null unique references house)',
  `create table house_tags (house_id int references house on delete cascade, tag_id int references tag on delete cascade,
     primary key (house_id, tag_id))`,
];

/** Rows with the same primary keys for every tenant; each text begins with the tenant's id. */
export function seed(tenantId: string): string[] {
  const three = 'from generate_series(1, 3) n';
  return [
    `insert into person (name) select '${tenantId} person ' || n ${three}`,
    `insert into tag (name) select '${tenantId} tag ' || n ${three}`,
    `insert into house (address, owner_id, agent_id) select '${tenantId} house ' || n, n, 1 ${three}`,
    `insert into room (name, house_id) select '${tenantId} room ' || n, n ${three}`,
    `insert into deed (number, house_id) select '${tenantId} deed ' || n, n ${three}`,
    `insert into house_tags select n, n ${three}`,
  ];
}
