import { describe, expect, it } from '@jest/globals';
import {
  BudgetWorld,
  type FakeAccount,
  type FakeConnection,
  outcomeOf,
} from '../../support/connections/BudgetWorld.ts';
import { settled } from '../../support/settled.ts';

const CONNECTIONS = 4;
/** How many connections may go from a tenant to its own next caller while another tenant waits for room. */
const BOUND = 8;

/** A tenant whose callers are never fewer than a hundred: whoever is served gives back and asks again. */
class NoisyTenant {
  readonly #account: FakeAccount;
  readonly #inUse: FakeConnection[] = [];
  served = 0;

  constructor(account: FakeAccount) {
    this.#account = account;
    for (let n = 0; n < 100; n += 1) {
      this.#ask();
    }
  }

  get holds(): number {
    return this.#inUse.length;
  }

  /** One of its requests is done. */
  finishOne(): void {
    const connection = this.#inUse.shift();
    if (connection !== undefined) {
      this.#account.release(connection);
      this.#ask();
    }
  }

  #ask(): void {
    this.#account.acquire().then(
      (connection) => {
        this.served += 1;
        this.#inUse.push(connection);
      },
      () => {},
    );
  }
}

describe('beside a tenant that asks without end', () => {
  function world(limits: { maxConnectionsPerTenant: number }): BudgetWorld {
    return new BudgetWorld({ ...limits, maxConnections: CONNECTIONS, maxWaitingPerTenant: 200, maxWaiting: 400 });
  }

  /** Finishes requests of the noisy one until `isDone`, and gives how many it was served meanwhile. */
  async function servedMeanwhile(noisy: NoisyTenant, of: BudgetWorld, isDone: () => boolean): Promise<number> {
    const before = noisy.served;
    while (!isDone()) {
      noisy.finishOne();
      await of.serve();
      if (noisy.served - before > 1_000) {
        throw new Error('The others are never served');
      }
    }
    return noisy.served - before;
  }

  it('another gets a connection at once while the noisy one is at the limit of a tenant', async () => {
    const budget = world({ maxConnectionsPerTenant: 2 });
    const noisy = new NoisyTenant(budget.account('noisy'));
    await budget.serve();
    expect(noisy.holds).toBe(2);
    const quiet = outcomeOf(budget.account('quiet').acquire());
    await budget.serve();
    expect(quiet.value?.tenantId).toBe('quiet');
    expect(noisy.served).toBe(2);
  });

  it(`another waits for no more than ${BOUND + CONNECTIONS} of its requests where it may take everything`, async () => {
    const budget = world({ maxConnectionsPerTenant: CONNECTIONS });
    const noisy = new NoisyTenant(budget.account('noisy'));
    await budget.serve();
    expect(noisy.holds).toBe(CONNECTIONS);
    const account = budget.account('quiet');
    for (let round = 0; round < 20; round += 1) {
      const quiet = outcomeOf(account.acquire());
      const bypassed = await servedMeanwhile(noisy, budget, () => quiet.value !== undefined);
      expect(bypassed).toBeLessThanOrEqual(BOUND + CONNECTIONS);
      account.release(quiet.value as FakeConnection);
      await budget.serve();
    }
  });

  it('many others are served in turns, each once before one of them is served twice', async () => {
    const budget = world({ maxConnectionsPerTenant: CONNECTIONS });
    const noisy = new NoisyTenant(budget.account('noisy'));
    await budget.serve();
    const order: string[] = [];
    const ids = ['a', 'b', 'c', 'd', 'e'];
    for (const id of ids) {
      const account = budget.account(id);
      const use = async (): Promise<void> => {
        const connection = await account.acquire();
        order.push(id);
        await settled();
        account.release(connection);
      };
      void use().then(use);
    }
    const bypassed = await servedMeanwhile(noisy, budget, () => order.length === 2 * ids.length);
    expect(order.slice(0, ids.length).toSorted()).toEqual(ids);
    expect(bypassed).toBeLessThanOrEqual(2 * ids.length * (BOUND + CONNECTIONS));
  });
});
