import { expect } from '@jest/globals';
import * as fc from 'fast-check';
import { House } from './entities.ts';
import type { NestingWorld } from './nestingCases.ts';

const OPERATIONS = ['read', 'write', 'transaction', 'undone', 'nested', 'evict', 'pause'] as const;

interface Operation {
  readonly tenant: string;
  readonly is: (typeof OPERATIONS)[number];
  readonly row: number;
}

/**
 * Reads, writes, nested runs and evictions of several tenants at once, in whatever order they come: each text that a tenant
 * reads begins with its id, throughout. `ISOLATION_RUNS` says how many, divided by `divisor` where a kind is slow.
 */
export async function expectKeptApart(
  world: Pick<NestingWorld, 'manager' | 'reached'>,
  ids: readonly string[],
  divisor: number,
): Promise<void> {
  const { manager } = world;
  const check = async (id: string): Promise<void> => {
    expect(await world.reached(manager.em)).toBe(id);
    const houses = await manager.em.find(House, {}, { populate: ['owner'] });
    const texts = houses.flatMap(({ address, owner }) => [address, owner?.name]);
    expect(texts.filter((text) => text?.startsWith(`${id} `) !== true)).toEqual([]);
  };
  const write = async (id: string, row: number): Promise<void> => {
    const house = await manager.em.findOneOrFail(House, row);
    house.address = `${id} changed ${row}`;
    await manager.em.flush();
  };
  const run = async ({ tenant: id, is, row }: Operation): Promise<void> => {
    await manager.run(id, async (em) => {
      await check(id);
      switch (is) {
        case 'write':
          await write(id, row);
          break;
        case 'transaction':
          await em.transactional(() => write(id, row));
          break;
        case 'undone':
          await expect(
            em.transactional(async () => {
              await write(id, row);
              throw new Error('undone');
            }),
          ).rejects.toThrow('undone');
          em.clear();
          break;
        case 'nested':
          await Promise.all(ids.map((other) => run({ tenant: other, is: 'write', row })));
          break;
        case 'pause':
          await new Promise((resolve) => setImmediate(resolve));
          break;
        default:
      }
      await check(id);
    });
    if (is === 'evict') {
      await manager.evict(id);
    }
  };
  const operation: fc.Arbitrary<Operation> = fc.record({
    tenant: fc.constantFrom(...ids),
    is: fc.constantFrom(...OPERATIONS),
    row: fc.integer({ min: 1, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 2, maxLength: 8 }), async (operations) => {
      await Promise.all(operations.map(run));
    }),
    { numRuns: Math.ceil(Number(process.env['ISOLATION_RUNS'] ?? 1_000) / divisor) },
  );
}
