import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BudgetWalk, type Step } from '../../support/connections/BudgetWalk.ts';

const RUNS = Number(process.env['BUDGET_WALKS'] ?? 10_000);

const step = (weight: number, what: Step['do']) => ({
  weight,
  arbitrary: fc.record({ do: fc.constant(what), pick: fc.nat({ max: 1_000 }) }),
});

const one = fc.oneof(
  step(9, 'acquire'),
  step(5, 'release'),
  step(5, 'open'),
  step(4, 'close'),
  step(2, 'pass time'),
  step(1, 'destroy'),
  step(1, 'fail'),
  step(1, 'abort'),
  step(1, 'break'),
  step(1, 'end'),
);

/** The same user again and again, so that others are passed by. */
const busy = fc.nat({ max: 3 }).map((pick) => Array.from({ length: 20 }, (): Step => ({ do: 'turn over', pick })));

const steps = fc
  .array(
    fc.oneof(
      {
        weight: 30,
        arbitrary: one.map((single) => [single]),
      },
      { weight: 1, arbitrary: busy },
    ),
    { minLength: 10, maxLength: 40, size: 'max' },
  )
  .map((parts) => parts.flat());

describe('a connection budget under random use', () => {
  it('keeps its ceilings, serves in order and whoever can be served, passes nobody by for long, and loses nothing', async () => {
    let served = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (walk) => {
        const budget = new BudgetWalk();
        await budget.take(walk);
        served += budget.world.connections.length;
        await budget.finish();
      }),
      { numRuns: RUNS },
    );
    expect(served).toBeGreaterThan(RUNS);
  }, 180_000);
});
