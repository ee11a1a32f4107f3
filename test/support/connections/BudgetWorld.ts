import type { BudgetedConnection, CloseCause } from '../../../src/connections/BudgetedConnection.ts';
import type { ConnectionAccount } from '../../../src/connections/ConnectionAccount.ts';
import { ConnectionBudget } from '../../../src/connections/ConnectionBudget.ts';
import type { AccountOptions, ConnectionBudgetLimits } from '../../../src/connections/ConnectionBudgetLimits.ts';
import { FakeClock } from '../FakeClock.ts';
import { settled } from '../settled.ts';

export const LIMITS: ConnectionBudgetLimits = {
  maxConnections: 4,
  maxConnectionsPerTenant: 2,
  maxOpeningConnections: 100,
  acquireTimeoutMs: 1_000,
  maxWaitingPerTenant: 5,
  maxWaiting: 12,
  idleTimeoutMs: 10_000,
  maxLifetimeMs: 1_000_000,
  checkAfterIdleMs: 1_000_000,
};

/** More than any test needs. */
const ROUNDS = 1_000;

/** A connection that counts as a socket until the test lets it close. */
export class FakeConnection implements BudgetedConnection {
  readonly tenantId: string;
  readonly #closed = Promise.withResolvers<void>();
  closeCause: CloseCause | undefined;
  isClosed = false;
  isCut = false;

  constructor(tenantId: string) {
    this.tenantId = tenantId;
  }

  /** What {@link check} comes to; a promise to hold it back. */
  alive: boolean | Promise<boolean> = true;
  checks = 0;

  async check(): Promise<boolean> {
    this.checks += 1;
    return this.alive;
  }

  close(cause: CloseCause): Promise<void> {
    if (this.closeCause !== undefined) {
      throw new Error(`A connection of ${this.tenantId} was closed twice: ${this.closeCause}, ${cause}`);
    }
    this.closeCause = cause;
    return this.#closed.promise;
  }

  cut(): void {
    this.isCut = true;
    this.finishClosing();
  }

  finishClosing(): void {
    this.isClosed = true;
    this.#closed.resolve();
  }
}

/** A connection that is being opened; the test says how that ends. */
export interface FakeOpening {
  readonly tenantId: string;
  readonly signal: AbortSignal;
  succeed(): FakeConnection;
  fail(error: unknown): void;
}

export type FakeAccount = ConnectionAccount<FakeConnection>;

/** A budget over connections that open and close when the test says so. */
export class BudgetWorld {
  readonly clock: FakeClock;
  readonly budget: ConnectionBudget<FakeConnection>;
  readonly openings: FakeOpening[] = [];
  readonly connections: FakeConnection[] = [];
  /** How many openings began, ever. */
  begun = 0;

  constructor(limits: Partial<ConnectionBudgetLimits> = {}, random?: () => number, clock = new FakeClock()) {
    this.clock = clock;
    this.budget = new ConnectionBudget({ ...LIMITS, ...limits }, this.clock, random);
  }

  account(tenantId: string, options: AccountOptions = {}): FakeAccount {
    return this.budget.account(tenantId, (signal) => this.#open(tenantId, signal), options);
  }

  /** Sockets that exist on the fake server: opening, open and closing. */
  sockets(tenantId?: string): number {
    const ofTenant = (one: { readonly tenantId: string }): boolean =>
      tenantId === undefined || one.tenantId === tenantId;
    return (
      this.openings.filter(ofTenant).length + this.connections.filter((one) => !one.isClosed && ofTenant(one)).length
    );
  }

  /** Opens what is asked for and closes what is given up, until nothing more happens. Throws when that never comes. */
  async serve(): Promise<void> {
    await settled();
    for (let round = 0; this.openings.length > 0 || this.closing.length > 0; round += 1) {
      if (round === ROUNDS) {
        throw new Error('Connections are opened and closed for ever.');
      }
      for (const opening of [...this.openings]) {
        opening.succeed();
      }
      for (const connection of this.closing) {
        connection.finishClosing();
      }
      await settled();
    }
  }

  /** Serves until `isDone`. Throws when that never comes. */
  async serveUntil(isDone: () => boolean): Promise<void> {
    for (let round = 0; !isDone(); round += 1) {
      if (round === ROUNDS) {
        throw new Error('Somebody is never served.');
      }
      await this.serve();
    }
  }

  get closing(): FakeConnection[] {
    return this.connections.filter((one) => one.closeCause !== undefined && !one.isClosed);
  }

  /** Throws unless the budget is as empty as a new one. */
  assertEmpty(): void {
    const { opening, idle, inUse, closing, waiting } = this.budget.stats();
    this.budget.stop();
    const left = { opening, idle, inUse, closing, waiting, sockets: this.sockets(), timers: this.clock.pending };
    if (Object.values(left).some((count) => count !== 0)) {
      throw new Error(`Something is left: ${JSON.stringify(left)}`);
    }
  }

  #open(tenantId: string, signal: AbortSignal): Promise<FakeConnection> {
    const { promise, resolve, reject } = Promise.withResolvers<FakeConnection>();
    const forget = (): void => {
      this.openings.splice(this.openings.indexOf(opening), 1);
    };
    const opening: FakeOpening = {
      tenantId,
      signal,
      succeed: () => {
        forget();
        const connection = new FakeConnection(tenantId);
        this.connections.push(connection);
        resolve(connection);
        return connection;
      },
      fail: (error) => {
        forget();
        reject(error);
      },
    };
    this.openings.push(opening);
    this.begun += 1;
    return promise;
  }
}

/** What a promise came to, to look at without waiting for it. */
export function outcomeOf<R>(promise: Promise<R>): { value?: R; error?: unknown } {
  const outcome: { value?: R; error?: unknown } = {};
  promise.then(
    (value) => {
      outcome.value = value;
    },
    (error: unknown) => {
      outcome.error = error;
    },
  );
  return outcome;
}

/** Lets the callers of `accounts` use one connection after the other. Gives the tenants in the order of their service. */
export async function useInTurn(world: BudgetWorld, accounts: readonly FakeAccount[]): Promise<string[]> {
  const served: string[] = [];
  const uses = accounts.map(async (account) => {
    const connection = await account.acquire();
    served.push(account.tenantId);
    await settled();
    account.release(connection);
  });
  await world.serveUntil(() => served.length === accounts.length);
  await Promise.all(uses);
  return served;
}
