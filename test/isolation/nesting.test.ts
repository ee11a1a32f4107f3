import { expect, it } from '@jest/globals';
import { Person } from '../support/isolation/entities.ts';
import { describeNesting, NESTED_TENANTS, type NestingWorld } from '../support/isolation/nestingCases.ts';
import { tenantReached } from '../support/isolation/reached.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';

async function create(): Promise<NestingWorld> {
  const world = await TenantWorld.create({ ids: NESTED_TENANTS });
  return {
    manager: world.manager as unknown as NestingWorld['manager'],
    reset: () => world.databases.reset(),
    people: async () => {
      const dump = (await world.databases.dump(['person'])) as Record<string, { person: unknown[] }>;
      return Object.fromEntries(Object.entries(dump).map(([id, { person }]) => [id, person.length]));
    },
    reached: tenantReached,
    assertNothingHeld: () => world.assertNothingHeld(),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

describeNesting('runs inside runs', create, ({ world, add }) => {
  it('of the same tenant are outside the outer transaction, and do not see what it has not committed', async () => {
    const { manager, people } = world();
    const work = manager.run('acme', (outer) =>
      outer.transactional(async (acme) => {
        await add(acme);
        await manager.run('acme', async (inner) => {
          expect(inner.isInTransaction()).toBe(false);
          expect(await inner.count(Person)).toBe(3);
          await add(manager.em);
        });
        expect(await acme.count(Person)).toBe(5);
        throw new Error('undo the outer one');
      }),
    );
    await expect(work).rejects.toThrow('undo the outer one');
    expect(await people()).toEqual({ acme: 4, globex: 3, initech: 3 });
  });

  it('of several tenants at once inside one transaction end each by themselves', async () => {
    const { manager, people } = world();
    await manager.run('acme', (outer) =>
      outer.transactional(async (acme) => {
        await add(acme);
        await Promise.allSettled(
          ['globex', 'initech', 'acme'].map((id) =>
            manager.run(id, () =>
              manager.em.transactional(async () => {
                await add(manager.em);
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
