import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RequestContext } from '@mikro-orm/core';
import { currentTenant, TenantClosedError, WrongTenantError } from 'mikro-orm-multitenancy';
import { House, Person, Room, Tag } from '../isolation/entities.ts';
import { expectKeptApart } from '../isolation/keptApart.ts';
import { describeNesting, NESTED_TENANTS } from '../isolation/nestingCases.ts';
import { RemoteCacheServer, remoteCacheOver } from '../isolation/RemoteCache.ts';
import type { KindWorld } from './KindWorld.ts';

/** Options that every kind takes. */
interface CaseOptions {
  readonly ids?: readonly string[];
  readonly orm?: { readonly resultCache: { readonly adapter: ReturnType<typeof remoteCacheOver> } };
  readonly manager?: { readonly shareMetadata: boolean };
}

/** What keeps tenants apart, the same for each kind of database. `slowness` divides the runs of the interleavings. */
export function describeIsolation(
  title: string,
  create: (options: CaseOptions) => Promise<KindWorld>,
  slowness: number,
): void {
  describeNesting(`${title}, in runs inside runs`, () => create({ ids: NESTED_TENANTS }));

  describe(title, () => {
    let world: KindWorld;
    beforeAll(async () => {
      world = await create({ ids: NESTED_TENANTS });
    });
    beforeEach(async () => {
      await world.reset();
      world.statements.length = 0;
    });
    afterEach(() => world.assertNothingHeld());
    afterAll(() => world[Symbol.asyncDispose]());

    it('use their own context in Promise.all, timers and streams', async () => {
      await Promise.all(
        world.tenants.flatMap(({ id }) =>
          Array.from({ length: 8 }, () =>
            world.manager.run(id, async (em) => {
              await new Promise((resolve) => setTimeout(resolve, 1));
              expect(currentTenant()?.id).toBe(id);
              expect(world.manager.current()?.id).toBe(id);
              expect(await world.reached(world.manager.em)).toBe(id);
              expect(await world.reached(RequestContext.getEntityManager() ?? {})).toBe(id);
              expect((await world.manager.em.findOneOrFail(House, 1)).address).toBe(`${id} house 1`);
              const texts: string[] = [];
              for await (const house of em.stream(House, { orderBy: { id: 1 } })) {
                texts.push(house.address);
                await new Promise((resolve) => setImmediate(resolve));
                expect(currentTenant()?.id).toBe(id);
              }
              expect(texts).toEqual([1, 2, 3].map((n) => `${id} house ${n}`));
            }),
          ),
        ),
      );
    });

    it('refuse an entity of another one wherever it may be given', async () => {
      const [person, room] = await world.manager.run('globex', async (em) => [
        await em.findOneOrFail(Person, 2, { populate: ['houses'] }),
        await em.findOneOrFail(Room, 1),
      ]);
      await world.manager.run('acme', async (em) => {
        expect(() => em.persist(person)).toThrow(WrongTenantError);
        expect(() => em.merge(person)).toThrow(WrongTenantError);
        expect(() => em.remove(person)).toThrow(WrongTenantError);
        expect(() => em.create(House, { id: 9, address: 'x', facts: {}, listedAt: new Date(), owner: person })).toThrow(
          WrongTenantError,
        );
        await expect(em.find(House, { owner: person })).rejects.toThrow(WrongTenantError);
        await expect(em.nativeUpdate(House, {}, { owner: person })).rejects.toThrow(WrongTenantError);
        expect(() => em.createQueryBuilder(House).where({ owner: person })).toThrow(WrongTenantError);
        const house = await em.findOneOrFail(House, 1);
        house.owner = person;
        await expect(em.flush()).rejects.toThrow(WrongTenantError);
        em.clear();
        const { rooms } = await em.findOneOrFail(House, 1, { populate: ['rooms'] });
        const take = async () => {
          rooms.add(room);
          await em.flush();
        };
        await expect(take()).rejects.toThrow(WrongTenantError);
      });
      expect(world.statements.filter(({ text }) => /\b(insert|update|delete)\b/.test(text))).toEqual([]);
    });

    it('that were closed meanwhile refuse what comes late, and are opened anew for the next run', async () => {
      let late: (() => Promise<unknown>) | undefined;
      await world.manager.run('acme', (em) => {
        late = () => em.find(House, {});
      });
      await world.manager.evict('acme');
      await expect(late?.()).rejects.toThrow(TenantClosedError);
      expect(await world.manager.run('acme', (em) => em.count(House))).toBe(3);
    });

    it('that are closed in the middle of a stream end the stream', async () => {
      const read = world.manager.run('acme', async (em) => {
        for await (const _ of em.stream(House, {})) {
          await world.manager.evict('acme', { timeoutMs: 0 });
        }
      });
      await expect(read).rejects.toThrow(TenantClosedError);
      expect(await world.manager.run('acme', (em) => em.count(House))).toBe(3);
    });

    it('keep their texts over interleavings of reads, writes, nested runs and evictions', async () => {
      await expectKeptApart(world, NESTED_TENANTS, slowness);
    }, 120_000);

    it('have rows of their own in one result cache', async () => {
      const remote = new RemoteCacheServer();
      await using cached = await create({ orm: { resultCache: { adapter: remoteCacheOver(remote) } } });
      for (const id of ['acme', 'globex', 'acme', 'globex']) {
        const find = (em: typeof cached.manager.em) => em.findOneOrFail(House, 1, { cache: ['first', 10_000] });
        expect((await cached.manager.run(id, find)).address).toBe(`${id} house 1`);
      }
      expect(remote.entries.size).toBe(2);
    });

    it('have metadata of their own where that is asked for', async () => {
      await using apart = await create({ manager: { shareMetadata: false } });
      const texts = await apart.manager.each(async (em) => (await em.findOneOrFail(Tag, 1)).name);
      expect(texts.map((one) => (one.ok ? one.value : one.error))).toEqual(['acme tag 1', 'globex tag 1']);
    });
  });
}
