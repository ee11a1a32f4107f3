import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type EntityManager, RequestContext, Utils, type ValidationError } from '@mikro-orm/core';
import type { MikroORM } from '@mikro-orm/postgresql';
import { Seeder, SeedManager } from '@mikro-orm/seeder';
import { entities, House, houseEntities } from '../support/isolation/entities.ts';
import { PlainOrms } from '../support/isolation/PlainOrms.ts';
import { tenantReached } from '../support/isolation/reached.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';

/** Runs in an async context of its own, so that `RequestContext.enter` does not outlast the test. */
const apart = <R>(work: () => Promise<R>): Promise<R> => Promise.resolve().then(work);

let seededInto = '';
class WhereAmI extends Seeder {
  async run(em: EntityManager): Promise<void> {
    seededInto = await tenantReached(em);
  }
}

/** Ways to globex's data through globex's own ORM, each of which says whose database it reached. */
const ways: Record<string, (orm: MikroORM) => Promise<string>> = {
  'em.execute': (orm) => tenantReached(orm.em),
  'em.fork()': (orm) => tenantReached(orm.em.fork()),
  'em.transactional': (orm) => orm.em.transactional((em) => tenantReached(em)),
  'em.begin and em.commit on a fork': async (orm) => {
    const em = orm.em.fork();
    await em.begin();
    const reached = await tenantReached(em);
    await em.commit();
    return reached;
  },
  'a nested RequestContext.create': (orm) => RequestContext.create(orm.em, () => tenantReached(orm.em)),
  'RequestContext.enter': (orm) =>
    apart(() => {
      RequestContext.enter(orm.em);
      return tenantReached(orm.em);
    }),
  'orm.seeder': async (orm) => {
    await orm.seeder.seed(WhereAmI);
    return seededInto;
  },
};

/** By these, statements of an EntityManager's own reached its database in MikroORM 7.2.0, and do not from 7.2.1 on. */
const RIGHT_IN_7_2_0 = new Set(['em.execute', 'a nested RequestContext.create', 'RequestContext.enter']);

describe('inside acme, the ORM of globex', () => {
  let world: TenantWorld;
  beforeAll(async () => {
    world = await TenantWorld.create({ orm: { entities, extensions: [SeedManager] } });
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(() => world.databases.reset());

  describe('opened by plain MikroORM beside another of the same name', () => {
    it.each(Object.keys(ways))('reaches acme by %s', async (way) => {
      await using plain = new PlainOrms(world.databases);
      const options = { entities: houseEntities().schemas, extensions: [SeedManager], allowGlobalContext: true };
      const acme = await plain.open('acme', options);
      const globex = await plain.open('globex', options);
      const reached = Utils.getORMVersion() === '7.2.0' && RIGHT_IN_7_2_0.has(way) ? 'globex' : 'acme';
      expect(await RequestContext.create(acme.em, () => ways[way]?.(globex))).toBe(reached);
    });

    it('truncates acme by schema.clear() in a transaction of acme', async () => {
      await using plain = new PlainOrms(world.databases);
      const { schemas } = houseEntities();
      const acme = await plain.open('acme', { entities: schemas });
      const globex = await plain.open('globex', { entities: schemas });
      await RequestContext.create(acme.em, () => acme.em.transactional(() => globex.schema.clear()));
      const { acme: left } = await world.databases.dump(['house']);
      expect(left).toEqual({ house: [] });
    });
  });

  it.each(Object.keys(ways))('reaches globex by %s', async (way) => {
    await using globex = await world.manager.acquire('globex');
    expect(await world.manager.run('acme', () => ways[way]?.(globex.orm))).toBe('globex');
  });

  it.each(Object.keys(ways))('reaches globex by %s in a transaction of acme', async (way) => {
    await using globex = await world.manager.acquire('globex');
    const reached = world.manager.run('acme', (em) => em.transactional(() => ways[way]?.(globex.orm)));
    expect(await reached).toBe('globex');
  });

  it('refuses em.find outside a context of globex, in a transaction of acme too', async () => {
    await using globex = await world.manager.acquire('globex');
    const find = () => globex.orm.em.find(House, {});
    const refused: Partial<ValidationError> = { name: 'ValidationError' };
    await expect(world.manager.run('acme', find)).rejects.toMatchObject(refused);
    await expect(world.manager.run('acme', (em) => em.transactional(find))).rejects.toMatchObject(refused);
  });

  it('truncates globex, and not acme, by schema.clear() in a transaction of acme', async () => {
    await using globex = await world.manager.acquire('globex');
    const before = await world.databases.dump();
    await world.manager.run('acme', (em) => em.transactional(() => globex.orm.schema.clear()));
    const after = await world.databases.dump();
    expect(after['acme']).toEqual(before['acme']);
    expect(after['globex']).toMatchObject({ house: [], person: [], room: [], tag: [] });
  });

  it('has a name that no other ORM of the process has, nor its own next generation', async () => {
    const names: string[] = [];
    for (const id of ['acme', 'globex', 'acme', 'globex']) {
      await world.manager.run(id, (em) => names.push(em.name));
      await world.manager.evict(id);
    }
    expect(new Set(names).size).toBe(4);
    expect(names).not.toContain('default');
  });
});
