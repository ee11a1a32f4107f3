import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { wrap } from '@mikro-orm/core';
import type { Options, SqlEntityManager } from '@mikro-orm/postgresql';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { serverUrl } from '../support/databases.ts';
import {
  Deed,
  entities,
  House,
  type HouseEntities,
  houseEntities,
  Person,
  Room,
} from '../support/isolation/entities.ts';
import { PlainOrms } from '../support/isolation/PlainOrms.ts';
import { TenantDatabases } from '../support/isolation/TenantDatabases.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';

type Classes = Pick<HouseEntities, 'House' | 'Person' | 'Room' | 'Deed'>;

/** Ways to read, after none of which a flush has anything to write. */
const reads: Record<string, (em: SqlEntityManager, classes: Classes) => Promise<unknown>> = {
  find: (em, { House }) => em.find(House, {}),
  'find with a joined owner': (em, { House }) => em.find(House, {}, { populate: ['owner'], strategy: 'joined' }),
  'find with a selected owner': (em, { House }) => em.find(House, {}, { populate: ['owner'], strategy: 'select-in' }),
  'find with joined collections': (em, { House }) =>
    em.find(House, {}, { populate: ['rooms', 'tags'], strategy: 'joined' }),
  'find with selected collections': (em, { House }) =>
    em.find(House, {}, { populate: ['rooms', 'tags'], strategy: 'select-in' }),
  'find with a circle': (em, { Person }) => em.find(Person, {}, { populate: ['houses.owner.houses.rooms.house'] }),
  'find of some fields': (em, { House }) => em.find(House, {}, { fields: ['address', 'owner.name'] }),
  'find twice, then refresh': async (em, { House }) => {
    const [house] = await em.find(House, {});
    await em.find(House, {}, { refresh: true, populate: ['agent'] });
    await em.refresh(house as House);
  },
  'populate afterwards': async (em, { House }) => em.populate(await em.find(House, {}), ['owner', 'agent', 'rooms']),
  'init of a reference': async (em, { House }) => {
    const house = await em.findOneOrFail(House, 1);
    await wrap(house.owner as Person).init();
  },
  'init of collections': async (em, { House }) => {
    const house = await em.findOneOrFail(House, 1);
    await house.rooms.init();
    await house.tags.init();
  },
  'rooms first, then their house': async (em, { House, Room }) => {
    await em.find(Room, {});
    await em.find(House, {}, { populate: ['rooms'] });
  },
  'find of some fields of a collection': (em, { Person }) =>
    em.find(Person, {}, { populate: ['houses'], fields: ['name', 'houses.address'] }),
  'find of some fields of a selected collection': (em, { Person }) =>
    em.find(Person, {}, { populate: ['houses'], fields: ['name', 'houses.address'], strategy: 'select-in' }),
  'find of some fields of rooms': (em, { House }) =>
    em.find(House, {}, { populate: ['rooms'], fields: ['address', 'rooms.name'] }),
  'find of an inverse one to one': (em, { House }) => em.find(House, {}, { populate: ['deed'] }),
  'find of some fields of an inverse one to one': (em, { House }) =>
    em.find(House, {}, { populate: ['deed'], fields: ['address', 'deed.number'] }),
  'find of an owning one to one': (em, { Deed }) => em.find(Deed, {}, { populate: ['house'] }),
  QueryBuilder: (em, { House }) => em.createQueryBuilder(House, 'h').leftJoinAndSelect('h.owner', 'o').getResult(),
  stream: async (em, { House }) => {
    for await (const house of em.stream(House, { populate: ['owner'] })) {
      expect(house.id).toBeGreaterThan(0);
    }
  },
};

/** Reads in every way, each on a fork of its own, and names the ways after which a flush wrote. */
async function writtenAfter(
  fork: () => SqlEntityManager,
  classes: Classes,
  log: { readonly text: string }[],
): Promise<string[]> {
  const spoilt: string[] = [];
  for (const [name, read] of Object.entries(reads)) {
    const em = fork();
    await read(em, classes);
    log.length = 0;
    await em.flush();
    if (log.length > 0) {
      spoilt.push(name);
    }
  }
  return spoilt;
}

const shared = { House, Person, Room, Deed };

/** Enters each tenant inside the one before, so that the later ones are opened in the middle of an earlier one's run. */
async function nest(world: TenantWorld, ids: readonly string[], work: () => Promise<void>): Promise<void> {
  const [first, ...rest] = ids;
  return first === undefined ? work() : world.manager.run(first, () => nest(world, rest, work));
}

const ids = ['acme', 'globex', 'initech'];

describe('reading and then flushing with plain MikroORM', () => {
  const log: { readonly text: string }[] = [];
  const debug: Options = { debug: ['query'], colors: false, logger: (text) => log.push({ text }) };
  let databases: TenantDatabases;
  beforeAll(async () => {
    databases = await TenantDatabases.create(ids);
  });
  afterAll(() => databases[Symbol.asyncDispose]());

  it('writes nothing where there is one ORM', async () => {
    await using plain = new PlainOrms(databases);
    const classes = houseEntities();
    const acme = await plain.open('acme', { entities: classes.schemas, ...debug });
    expect(await writtenAfter(() => acme.em.fork(), classes, log)).toEqual([]);
  });

  it('writes on the oldest of three ORMs over the same classes', async () => {
    await using plain = new PlainOrms(databases);
    const classes = houseEntities();
    const acme = await plain.open('acme', { entities: classes.schemas, ...debug });
    await plain.open('globex', { entities: classes.schemas });
    await plain.open('initech', { entities: classes.schemas });
    const spoilt = await writtenAfter(() => acme.em.fork(), classes, log);
    expect(spoilt).toEqual(expect.arrayContaining(['find', 'find with selected collections', 'init of a reference']));
  });
});

describe.each([
  { metadata: 'shared metadata', manager: {} },
  { metadata: 'metadata of each tenant', manager: { shareMetadata: false, warn: () => {} } },
])('reading and then flushing with $metadata', ({ manager }) => {
  let world: TenantWorld;
  beforeAll(async () => {
    world = await TenantWorld.create({ ids, manager });
  });
  afterEach(() => world.assertNothingHeld());
  afterAll(() => world[Symbol.asyncDispose]());

  const spoiltIn = (id: string): Promise<string[]> =>
    world.manager.run(id, (em) => writtenAfter(() => em.fork(), shared, world.statements));

  it('writes nothing in tenants that were opened inside runs of others', async () => {
    for (const order of [ids, ids.toReversed()]) {
      await nest(world, order, async () => {
        for (const id of ids) {
          expect({ id, spoilt: await spoiltIn(id) }).toEqual({ id, spoilt: [] });
        }
      });
      await Promise.all(ids.map((id) => world.manager.evict(id)));
    }
  });

  it('writes nothing in the oldest, while the others are read', async () => {
    await nest(world, ids, () => Promise.resolve());
    await world.manager.run('acme', async (em) => {
      const houses = await em.find(House, {}, { populate: ['*'] });
      await Promise.all(['globex', 'initech'].map(spoiltIn));
      world.forgetStatements();
      await em.flush();
      expect(world.statements).toEqual([]);
      expect(houses.map(({ deed }) => deed?.number)).toEqual([1, 2, 3].map((n) => `acme deed ${n}`));
    });
  });

  it('writes nothing once another manager has discovered the same classes', async () => {
    await world.manager.run('acme', async () => {});
    await using later = await TenantOrmManager.init({
      orm: { entities },
      server: serverUrl(),
      catalog: new StaticCatalog(world.databases.tenants),
      ...manager,
    });
    await later.run('globex', (em) => em.find(House, {}, { populate: ['*'] }));
    expect(await spoiltIn('acme')).toEqual([]);
  });

  it('writes a changed relation, and only that, of each tenant', async () => {
    await nest(world, ids, () => Promise.resolve());
    for (const id of ids) {
      await world.manager.run(id, async (em) => {
        const house = await em.findOneOrFail(House, 1, { populate: ['owner.houses', 'deed'] });
        house.owner = await em.findOneOrFail(Person, 3);
        world.forgetStatements();
        await em.flush();
      });
      expect(world.writes.map(({ tenantId, text }) => [tenantId, /update "\w+" set "\w+"/.exec(text)?.[0]])).toEqual([
        [id, 'update "house" set "owner_id"'],
      ]);
    }
  });
});
