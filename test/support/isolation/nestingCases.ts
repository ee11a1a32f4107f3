import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type EntityManager, RequestContext } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { currentTenant, type Tenant, type TenantOrmManager } from 'mikro-orm-multitenancy';
import { House, Person } from './entities.ts';

/** Three tenants with equal primary keys, whatever kind their databases are: `acme`, `globex` and `initech`. */
export interface NestingWorld extends AsyncDisposable {
  readonly manager: TenantOrmManager<Tenant, SqlEntityManager>;
  /** Puts the rows back to three of each table. */
  reset(): Promise<void>;
  /** How many rows of `person` each tenant has, read around the library. */
  people(): Promise<Record<string, number>>;
  /** Which tenant's database an EntityManager reaches, by what the database says. */
  reached(em: EntityManager): Promise<string>;
  /** Throws unless every lease is released and every connection is given back. */
  assertNothingHeld(): void | Promise<void>;
}

export const NESTED_TENANTS = ['acme', 'globex', 'initech'] as const;

/** What the cases have to work with. */
export interface Nesting {
  readonly world: () => NestingWorld;
  readonly add: (em: Pick<SqlEntityManager, 'insert'>) => Promise<unknown>;
  /** Everything by which code finds out whose data it has. */
  readonly expectToBe: (id: string | undefined) => Promise<void>;
}

const SLOW_MS = 120_000;

/** The same for each kind of database; `more` are what one kind does and another does not. */
export function describeNesting(
  title: string,
  create: () => Promise<NestingWorld>,
  more: (nesting: Nesting) => void = () => {},
): void {
  describe(title, () => {
    let world: NestingWorld;
    beforeAll(async () => {
      world = await create();
    }, SLOW_MS);
    beforeEach(() => world.reset());
    afterEach(() => world.assertNothingHeld());
    afterAll(async () => {
      await world[Symbol.asyncDispose]();
    });

    let nextId = 100;
    const add: Nesting['add'] = (em) => em.insert(Person, { id: nextId++, name: 'new' });

    const expectToBe: Nesting['expectToBe'] = async (id) => {
      expect(currentTenant()?.id).toBe(id);
      expect(world.manager.current()?.id).toBe(id);
      const em = RequestContext.getEntityManager();
      expect(em === undefined ? undefined : await world.reached(em)).toBe(id);
      if (id !== undefined) {
        expect(await world.reached(world.manager.em)).toBe(id);
        expect((await world.manager.em.findOneOrFail(House, 1)).address).toBe(`${id} house 1`);
      }
    };

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

    it('are back in the outer one when the inner one throws', async () => {
      await world.manager.run('acme', async () => {
        const inner = world.manager.run('globex', () => {
          throw new Error('inner');
        });
        await expect(inner).rejects.toThrow('inner');
        await expectToBe('acme');
      });
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
      expect((await world.manager.run('acme', (em) => em.findOneOrFail(House, 1))).address).toBe('acme house 1');
    });

    it('by the outer fork are still runs of the outer tenant', async () => {
      await world.manager.run('acme', (outer) =>
        world.manager.run('globex', async (inner) => {
          expect(await world.reached(outer)).toBe('acme');
          expect(await outer.transactional((em) => world.reached(em))).toBe('acme');
          expect(await world.reached(inner)).toBe('globex');
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
        expect(await world.people()).toEqual({ acme: 3, globex: 4, initech: 3 });
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
        expect(await world.people()).toEqual({ acme: 5, globex: 3, initech: 3 });
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
        expect(await world.people()).toEqual({ acme: 3, globex: 4, initech: 3 });
      });

      it('undo to a savepoint what a nested one did', async () => {
        await world.manager.run('acme', (em) =>
          em.transactional(async (outer) => {
            await add(outer);
            const inner = outer.transactional(async (nested) => {
              await add(nested);
              throw new Error('undo the nested one');
            });
            await expect(inner).rejects.toThrow('undo the nested one');
          }),
        );
        expect(await world.people()).toEqual({ acme: 4, globex: 3, initech: 3 });
      });
    });

    more({ world: () => world, add, expectToBe });
  });
}
