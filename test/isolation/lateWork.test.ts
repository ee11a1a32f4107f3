import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { RequestContext, wrap } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { TenantClosedError } from 'mikro-orm-multitenancy';
import { House, Person } from '../support/isolation/entities.ts';
import { tenantReached } from '../support/isolation/reached.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';

/** A promise that nobody awaits before the run is over, and the way to let it go on. */
function lateIn<R>(world: TenantWorld, id: string, work: (em: SqlEntityManager) => Promise<R>) {
  const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
  let late: Promise<R> | undefined;
  const run = world.manager.run(id, (em) => {
    late = isReleased.then(() => work(em));
    // It is looked at by the test; until then its rejection is expected.
    late.catch(() => {});
  });
  return run.then(() => async () => {
    release();
    return late as Promise<R>;
  });
}

/** What code that goes on too late may try. */
const attempts: Record<string, (em: SqlEntityManager) => Promise<unknown>> = {
  find: (em) => em.find(House, {}),
  execute: (em) => em.execute('select 1'),
  'a transaction': (em) => em.transactional(() => Promise.resolve('done')),
  begin: (em) => em.begin(),
  flush: (em) => {
    em.create(Person, { name: 'too late' });
    return em.flush();
  },
  nativeUpdate: (em) => em.nativeUpdate(House, {}, { address: 'too late' }),
  QueryBuilder: (em) => em.createQueryBuilder(House).getResult(),
  Kysely: async (em) => em.getKysely<{ house: House }>().selectFrom('house').selectAll().execute(),
  'a fork': (em) => em.fork().find(House, {}),
  stream: async (em) => {
    for await (const house of em.stream(House)) {
      expect(house).toBeUndefined();
    }
  },
  'a lazy reference': (em) => wrap(em.getReference(House, 1)).init(),
  RequestContext: async () => RequestContext.getEntityManager()?.count(House),
};

describe('work that goes on after its run', () => {
  let world: TenantWorld;
  beforeAll(async () => {
    world = await TenantWorld.create();
  });
  afterEach(async () => {
    world.assertNothingHeld();
    await Promise.all(['acme', 'globex'].map((id) => world.manager.evict(id)));
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('is still of its own tenant while that is open', async () => {
    const goOn = await lateIn(world, 'acme', async (em) => [
      await tenantReached(em),
      await tenantReached(world.manager.em),
      world.manager.current()?.id,
      (await em.findOneOrFail(House, 1)).address,
    ]);
    const inside = await world.manager.run('globex', () => goOn());
    expect(inside).toEqual(['acme', 'acme', 'acme', 'acme house 1']);
  });

  it.each(Object.keys(attempts))('is refused once the tenant is evicted, by %s, and opens no session', async (name) => {
    const attempt = attempts[name] as (em: SqlEntityManager) => Promise<unknown>;
    const direct = await lateIn(world, 'acme', attempt);
    const contextual = await lateIn(world, 'acme', () => attempt(world.manager.em));
    const before = await world.databases.dump();
    await world.manager.evict('acme');
    await expect(direct()).rejects.toThrow(TenantClosedError);
    await expect(contextual()).rejects.toThrow(TenantClosedError);
    expect(await world.databases.sessions()).toBe(0);
    expect(world.manager.stats().handles.open).toBe(0);
    expect(await world.databases.dump()).toEqual(before);
  });

  it('does not reach the ORM that was opened for its tenant since', async () => {
    const before = await world.databases.dump();
    const goOn = await lateIn(world, 'acme', (em) => em.nativeUpdate(House, {}, { address: 'too late' }));
    await world.manager.evict('acme');
    await world.manager.run('acme', async (em) => {
      expect(await tenantReached(em)).toBe('acme');
      await expect(goOn()).rejects.toThrow(TenantClosedError);
    });
    expect(await world.databases.dump()).toEqual(before);
  });

  it('of an entity that loads lazily does not reach the new ORM either', async () => {
    const house = await world.manager.run('acme', (em) => em.findOneOrFail(House, 1));
    await world.manager.evict('acme');
    await world.manager.run('acme', async () => {
      await expect(house.rooms.load()).rejects.toThrow(TenantClosedError);
      await expect(wrap(house.owner as Person).init()).rejects.toThrow(TenantClosedError);
    });
    await world.manager.run('globex', async () => {
      await expect(house.tags.load()).rejects.toThrow(TenantClosedError);
    });
  });

  it('of an entity that loads lazily in the run of another tenant gets the rows of its own', async () => {
    const house = await world.manager.run('acme', (em) => em.findOneOrFail(House, 1));
    await world.manager.run('globex', async () => {
      expect((await house.rooms.load()).getItems().map(({ name }) => name)).toEqual(['acme room 1']);
      await world.manager.em.transactional(async () => {
        expect((await house.tags.load()).getItems().map(({ name }) => name)).toEqual(['acme tag 1']);
        expect((await wrap(house.owner as Person).init())?.name).toBe('acme person 1');
      });
    });
  });

  it('is refused once the manager is closed, and opens no session', async () => {
    await using closing = await TenantWorld.create({ ids: ['acme'] });
    const goOn = await lateIn(closing, 'acme', (em) => em.find(House, {}));
    const transaction = await lateIn(closing, 'acme', () => closing.manager.em.transactional(tenantReached));
    await closing.manager.close();
    await expect(goOn()).rejects.toThrow(TenantClosedError);
    await expect(transaction()).rejects.toThrow(TenantClosedError);
    expect(await closing.databases.sessions()).toBe(0);
  });

  it('inside a transaction that outlives the grace is cut off, and nothing of it is kept', async () => {
    const before = await world.databases.dump();
    const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
    const { promise: isInside, resolve: inside } = Promise.withResolvers<void>();
    const work = world.manager.run('acme', (em) =>
      em.transactional(async (transaction) => {
        await transaction.nativeUpdate(House, {}, { address: 'too late' });
        inside();
        await isReleased;
        await transaction.nativeUpdate(House, {}, { address: 'much too late' });
      }),
    );
    const outcome = expect(work).rejects.toThrow();
    await isInside;
    await world.manager.evict('acme', { timeoutMs: 20 });
    release();
    await outcome;
    expect(await world.databases.sessions()).toBe(0);
    expect(await world.databases.dump()).toEqual(before);
  });
});
