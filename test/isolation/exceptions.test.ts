import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RequestContext } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { currentTenant, TenantNotFoundError } from 'mikro-orm-multitenancy';
import { House, Person } from '../support/isolation/entities.ts';
import { tenantReached } from '../support/isolation/reached.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';

class Thrown extends Error {}

/** Places in which a run can fail, from its first statement to its last. */
const places: Record<string, (em: SqlEntityManager, world: TenantWorld) => unknown> = {
  'the callback, before anything is awaited': () => {
    throw new Thrown();
  },
  'the callback, after a statement': async (em) => {
    await em.find(House, {});
    throw new Thrown();
  },
  'a transaction': (em) =>
    em.transactional(async (inner) => {
      await inner.insert(Person, { name: 'undone' });
      throw new Thrown();
    }),
  'a transaction on manager.em': (_em, { manager }) =>
    manager.em.transactional(async () => {
      await manager.em.insert(Person, { name: 'undone' });
      throw new Thrown();
    }),
  'a transaction that was begun and is rolled back': async (em) => {
    await em.begin();
    try {
      await em.insert(Person, { name: 'undone' });
      throw new Thrown();
    } catch (error) {
      await em.rollback();
      throw error;
    }
  },
  'a savepoint': (em) =>
    em.transactional(async (outer) => {
      await outer.insert(Person, { name: 'undone' });
      await outer.transactional(async () => {
        throw new Thrown();
      });
    }),
  'a hook of a flush': async (em) => {
    em.getEventManager().registerSubscriber({
      afterCreate: () => {
        throw new Thrown();
      },
    });
    em.create(Person, { name: 'undone' });
    await em.flush();
  },
  'the middle of a stream': async (em) => {
    for await (const house of em.stream(House)) {
      throw new Thrown(house.address);
    }
  },
  'a nested run of another tenant': (em, { manager }) =>
    em.transactional(async () => {
      await em.insert(Person, { name: 'undone' });
      await manager.run('globex', async (inner) => {
        await inner.transactional(async (globex) => {
          await globex.insert(Person, { name: 'undone' });
          throw new Thrown();
        });
      });
    }),
  'a nested run of the same tenant': (_em, { manager }) =>
    manager.run('acme', () => {
      throw new Thrown();
    }),
  'one of several at once': (_em, { manager }) =>
    Promise.all([
      manager.run('acme', (em) => em.find(House, {})),
      manager.run('globex', () => {
        throw new Thrown();
      }),
    ]),
  'a promise that rejects with nothing of an error': () => Promise.reject(new Thrown('a reason')),
};

describe('an exception', () => {
  let world: TenantWorld;
  beforeAll(async () => {
    world = await TenantWorld.create();
  });
  beforeEach(() => world.databases.reset());
  afterEach(() => world.assertNothingHeld());
  afterAll(() => world[Symbol.asyncDispose]());

  async function expectNothingLeft(before: unknown): Promise<void> {
    expect(currentTenant()).toBeUndefined();
    expect(RequestContext.getEntityManager()).toBeUndefined();
    expect(await world.databases.dump()).toEqual(before);
    for (const id of ['acme', 'globex']) {
      await world.manager.run(id, async (em) => {
        expect(em.isInTransaction()).toBe(false);
        expect(await tenantReached(em)).toBe(id);
      });
    }
  }

  it.each(Object.keys(places))('in %s leaves nothing behind', async (place) => {
    const before = await world.databases.dump();
    const failed = world.manager.run('acme', (em) => places[place]?.(em, world));
    await expect(failed).rejects.toThrow(Thrown);
    await expectNothingLeft(before);
  });

  it.each(Object.keys(places))('in %s, caught in an outer run, leaves that one as it was', async (place) => {
    const before = await world.databases.dump();
    await world.manager.run('globex', async (outer) => {
      const failed = world.manager.run('acme', (em) => places[place]?.(em, world));
      await expect(failed).rejects.toThrow(Thrown);
      expect(currentTenant()?.id).toBe('globex');
      expect(RequestContext.getEntityManager() === outer).toBe(true);
      expect(await tenantReached(world.manager.em)).toBe('globex');
    });
    await expectNothingLeft(before);
  });

  it('of the database in a transaction leaves no broken transaction to the next run', async () => {
    const before = await world.databases.dump();
    const failed = world.manager.run('acme', (em) =>
      em.transactional((inner) => inner.execute('insert into person (id, name) values (1, ?)', ['there already'])),
    );
    await expect(failed).rejects.toMatchObject({ name: 'UniqueConstraintViolationException' });
    await expectNothingLeft(before);
  });

  it('after begin() without rollback() keeps its connection to itself until the tenant is closed', async () => {
    const before = await world.databases.dump();
    const failed = world.manager.run('acme', async (em) => {
      await em.begin();
      await em.insert(Person, { name: 'undone' });
      throw new Thrown();
    });
    await expect(failed).rejects.toThrow(Thrown);
    await world.manager.run('acme', async (em) => {
      expect(em.isInTransaction()).toBe(false);
      expect(await em.count(Person)).toBe(3);
    });
    expect(world.manager.stats().servers['default']?.requests.inUse).toBe(1);
    await world.manager.evict('acme', { timeoutMs: 20 });
    await expectNothingLeft(before);
  });

  it('of one tenant in `each` is its own result, and the others go on', async () => {
    const results = await world.manager.each(async (em, { id }) => {
      if (id === 'acme') {
        throw new Thrown();
      }
      return tenantReached(em);
    });
    expect(results).toMatchObject([
      { tenantId: 'acme', ok: false },
      { tenantId: 'globex', ok: true, value: 'globex' },
    ]);
  });

  it('of a tenant that does not exist leaves the outer run as it was', async () => {
    await world.manager.run('acme', async (outer) => {
      await expect(world.manager.run('nobody', () => {})).rejects.toThrow(TenantNotFoundError);
      expect(RequestContext.getEntityManager() === outer).toBe(true);
      expect(await tenantReached(world.manager.em)).toBe('acme');
    });
  });

  it('in a listener of the events does not reach the run', async () => {
    const { promise: surfaced, resolve } = Promise.withResolvers<unknown>();
    const thrown = new Thrown('a defect in a metrics hook');
    const microtask = globalThis.queueMicrotask;
    // The emitter throws it in a microtask of its own, where a process would die of it; the test takes it there.
    globalThis.queueMicrotask = (callback) =>
      microtask(() => {
        try {
          callback();
        } catch (error) {
          resolve(error);
        }
      });
    const listener = (): never => {
      throw thrown;
    };
    world.manager.events.on('tenant:evicted', listener);
    try {
      await world.manager.run('acme', async () => {});
      expect(await world.manager.evict('acme')).toBe(true);
      expect(await surfaced).toBe(thrown);
    } finally {
      globalThis.queueMicrotask = microtask;
      world.manager.events.off('tenant:evicted', listener);
    }
  });
});
