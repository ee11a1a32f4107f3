import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RequestContext } from '@mikro-orm/core';
import { currentTenant } from 'mikro-orm-multitenancy';
import { House, Person } from '../support/isolation/entities.ts';
import { tenantReached } from '../support/isolation/reached.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';

describe('runs inside runs', () => {
  let world: TenantWorld;
  beforeAll(async () => {
    world = await TenantWorld.create({ ids: ['acme', 'globex', 'initech'] });
  });
  beforeEach(() => world.databases.reset());
  afterEach(() => world.assertNothingHeld());
  afterAll(() => world[Symbol.asyncDispose]());

  const people = async (): Promise<Record<string, number>> => {
    const dump = (await world.databases.dump(['person'])) as Record<string, { person: unknown[] }>;
    return Object.fromEntries(Object.entries(dump).map(([id, { person }]) => [id, person.length]));
  };
  const add = (em: { insert(entity: typeof Person, data: { name: string }): Promise<unknown> }) =>
    em.insert(Person, { name: 'new' });

  /** Everything by which code finds out whose data it has. */
  async function expectToBe(id: string | undefined): Promise<void> {
    expect(currentTenant()?.id).toBe(id);
    expect(world.manager.current()?.id).toBe(id);
    const em = RequestContext.getEntityManager();
    expect(em === undefined ? undefined : await tenantReached(em)).toBe(id);
    if (id !== undefined) {
      expect(await tenantReached(world.manager.em)).toBe(id);
      expect((await world.manager.em.findOneOrFail(House, 1)).address).toBe(`${id} house 1`);
    }
  }

  it('of other tenants are each in their own, and the outer ones are back afterwards', async () => {
    await world.manager.run('acme', async () => {
      await expectToBe('acme');
      await world.manager.run('globex', async () => {
        await expectToBe('globex');
        await world.manager.run('initech', () => expectToBe('initech'));
        await world.manager.run('acme', () => expectToBe('acme'));
        await expectToBe('globex');
      });
      await expectToBe('acme');
    });
    await expectToBe(undefined);
  });

  it('of the same tenant have a fork, an identity map and changes of their own', async () => {
    await world.manager.run('acme', async (outer) => {
      const house = await outer.findOneOrFail(House, 1);
      house.address = 'changed, not flushed';
      await world.manager.run('acme', async (inner) => {
        expect(inner === outer).toBe(false);
        const same = await inner.findOneOrFail(House, 1);
        expect(same).not.toBe(house);
        expect(same.address).toBe('acme house 1');
        await inner.flush();
      });
      expect(outer.getUnitOfWork().getById(House, 1 as never)).toBe(house);
    });
    expect(await world.databases.dump(['house'])).toMatchObject({
      acme: { house: [{ address: 'acme house 1' }, {}, {}] },
    });
  });

  it('by the outer fork are still runs of the outer tenant', async () => {
    await world.manager.run('acme', (outer) =>
      world.manager.run('globex', async (inner) => {
        expect(await tenantReached(outer)).toBe('acme');
        expect(await outer.transactional((em) => tenantReached(em))).toBe('acme');
        expect(await tenantReached(inner)).toBe('globex');
        await expectToBe('globex');
      }),
    );
  });

  describe('in transactions', () => {
    it('of another tenant commit by themselves when the outer one is undone', async () => {
      const work = world.manager.run('acme', (outer) =>
        outer.transactional(async (acme) => {
          await add(acme);
          await world.manager.run('globex', (inner) => inner.transactional((globex) => add(globex)));
          throw new Error('undo acme');
        }),
      );
      await expect(work).rejects.toThrow('undo acme');
      expect(await people()).toEqual({ acme: 3, globex: 4, initech: 3 });
    });

    it('of another tenant are undone by themselves when the outer one commits', async () => {
      await world.manager.run('acme', (outer) =>
        outer.transactional(async (acme) => {
          await add(acme);
          const inner = world.manager.run('globex', (em) =>
            em.transactional(async (globex) => {
              await add(globex);
              throw new Error('undo globex');
            }),
          );
          await expect(inner).rejects.toThrow('undo globex');
          await add(acme);
        }),
      );
      expect(await people()).toEqual({ acme: 5, globex: 3, initech: 3 });
    });

    it('are of the tenant that runs, and the outer transaction is back afterwards, on manager.em too', async () => {
      const { em } = world.manager;
      await world.manager.run('acme', () =>
        em.transactional(async () => {
          const outer = em.getTransactionContext();
          await world.manager.run('globex', async () => {
            expect(em.isInTransaction()).toBe(false);
            await em.transactional(async () => {
              expect(em.getTransactionContext() === outer).toBe(false);
              await expectToBe('globex');
              await world.manager.run('initech', () => expectToBe('initech'));
              await expectToBe('globex');
            });
          });
          expect(em.getTransactionContext() === outer).toBe(true);
          await expectToBe('acme');
        }),
      );
    });

    it('of the same tenant are outside the outer transaction, and do not see what it has not committed', async () => {
      const work = world.manager.run('acme', (outer) =>
        outer.transactional(async (acme) => {
          await add(acme);
          await world.manager.run('acme', async (inner) => {
            expect(inner.isInTransaction()).toBe(false);
            expect(await inner.count(Person)).toBe(3);
            await add(world.manager.em);
          });
          expect(await acme.count(Person)).toBe(5);
          throw new Error('undo the outer one');
        }),
      );
      await expect(work).rejects.toThrow('undo the outer one');
      expect(await people()).toEqual({ acme: 4, globex: 3, initech: 3 });
    });

    it('begun by begin() on the outer fork are not those of the inner run', async () => {
      await world.manager.run('acme', async (outer) => {
        await outer.begin();
        await add(outer);
        await world.manager.run('globex', async (inner) => {
          expect(inner.isInTransaction()).toBe(false);
          await add(world.manager.em);
        });
        expect(outer.isInTransaction()).toBe(true);
        await outer.rollback();
      });
      expect(await people()).toEqual({ acme: 3, globex: 4, initech: 3 });
    });

    it('of several tenants at once inside one transaction end each by themselves', async () => {
      await world.manager.run('acme', (outer) =>
        outer.transactional(async (acme) => {
          await add(acme);
          await Promise.allSettled(
            ['globex', 'initech', 'acme'].map((id) =>
              world.manager.run(id, () =>
                world.manager.em.transactional(async () => {
                  await add(world.manager.em);
                  if (id === 'initech') {
                    throw new Error('undo initech');
                  }
                }),
              ),
            ),
          );
        }),
      );
      expect(await people()).toEqual({ acme: 5, globex: 4, initech: 3 });
    });
  });
});
