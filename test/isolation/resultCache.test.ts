import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { TenancyConfigurationError } from 'mikro-orm-multitenancy';
import { House, houseEntities, Tag } from '../support/isolation/entities.ts';
import { PlainOrms } from '../support/isolation/PlainOrms.ts';
import { RemoteCacheServer, remoteCacheOver } from '../support/isolation/RemoteCache.ts';
import { TenantDatabases } from '../support/isolation/TenantDatabases.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';

/** Longer than any test. */
const cache = 60_000;

/** Ways to read a tag's name, or something that holds it, through the result cache. */
const reads: Record<string, (em: SqlEntityManager) => Promise<unknown>> = {
  find: async (em) => (await em.find(Tag, { id: 1 }, { cache })).map(({ name }) => name),
  findAll: async (em) => (await em.findAll(Tag, { where: { id: 1 }, cache })).map(({ name }) => name),
  findOne: async (em) => [(await em.findOne(Tag, 1, { cache }))?.name],
  findAndCount: async (em) => (await em.findAndCount(Tag, { id: 1 }, { cache }))[0].map(({ name }) => name),
  'a populated relation': async (em) => {
    const houses = await em.find(House, { id: 1 }, { populate: ['tags'], cache });
    return houses.flatMap(({ tags }) => tags.getItems().map(({ name }) => name));
  },
  QueryBuilder: async (em) => {
    const rows = await em.createQueryBuilder(Tag).select('name').where({ id: 1 }).cache(cache).execute('all');
    return (rows as { readonly name: string }[]).map(({ name }) => name);
  },
  'a key of its own': async (em) => (await em.find(Tag, { id: 1 }, { cache: ['tags', cache] })).map(({ name }) => name),
};

describe('a result cache that tenants share', () => {
  it('gives the rows of acme to globex in plain MikroORM', async () => {
    const server = new RemoteCacheServer();
    const adapter = remoteCacheOver(server);
    await using databases = await TenantDatabases.create(['acme', 'globex']);
    await using plain = new PlainOrms(databases);
    const { schemas, Tag: PlainTag } = houseEntities();
    const acme = await plain.open('acme', { entities: schemas, resultCache: { adapter } });
    const globex = await plain.open('globex', { entities: schemas, resultCache: { adapter } });
    await acme.em.fork().findOneOrFail(PlainTag, 1, { cache });
    expect((await globex.em.fork().findOneOrFail(PlainTag, 1, { cache })).name).toBe('acme tag 1');
  });

  describe('by this library', () => {
    let server: RemoteCacheServer;
    let world: TenantWorld;
    beforeEach(async () => {
      server = new RemoteCacheServer();
      world = await TenantWorld.create({ orm: { resultCache: { adapter: remoteCacheOver(server) } } });
    });
    afterEach(async () => {
      await world[Symbol.asyncDispose]();
      expect(server.clients).toBe(0);
    });

    it.each(Object.keys(reads))('keeps the rows of each tenant apart, and hits, by %s', async (name) => {
      const read = reads[name] as (em: SqlEntityManager) => Promise<unknown>;
      for (const id of ['acme', 'globex']) {
        expect(await world.manager.run(id, read)).toEqual([`${id} tag 1`]);
      }
      world.forgetStatements();
      for (const id of ['globex', 'acme']) {
        expect(await world.manager.run(id, read)).toEqual([`${id} tag 1`]);
      }
      expect(world.statements).toEqual([]);
    });

    it('clears a key for one tenant alone', async () => {
      const read = reads['a key of its own'] as (em: SqlEntityManager) => Promise<unknown>;
      await world.manager.run('acme', read);
      await world.manager.run('globex', read);
      expect(server.entries.size).toBe(2);
      await world.manager.run('acme', (em) => em.clearCache('tags'));
      expect([...server.entries.keys()]).toEqual([expect.stringContaining(world.databases.of('globex'))]);
    });

    it('stays open for globex when acme is evicted, and for acme when it is opened again', async () => {
      const read = reads['find'] as (em: SqlEntityManager) => Promise<unknown>;
      await world.manager.run('acme', read);
      await world.manager.run('globex', read);
      await world.manager.evict('acme');
      expect(server.clients).toBe(1);
      world.forgetStatements();
      expect(await world.manager.run('globex', read)).toEqual(['globex tag 1']);
      expect(await world.manager.run('acme', read)).toEqual(['acme tag 1']);
      expect(world.statements).toEqual([]);
    });

    it('cannot be emptied for everybody through one tenant', async () => {
      await world.manager.run('globex', (em) => em.find(Tag, {}, { cache }));
      const clear = world.manager.run('acme', async (em) => em.config.getResultCacheAdapter().clear());
      await expect(clear).rejects.toThrow(TenancyConfigurationError);
      expect(server.entries.size).toBe(1);
    });
  });

  it("is MikroORM's own where none is given: one for each tenant, in its memory", async () => {
    await using world = await TenantWorld.create();
    for (const id of ['acme', 'globex', 'acme']) {
      expect(await world.manager.run(id, (em) => em.findOne(Tag, 1, { cache }))).toMatchObject({ name: `${id} tag 1` });
    }
  });
});
