import { TenantClosedError } from '../errors.ts';
import type { BudgetedConnection } from './BudgetedConnection.ts';
import type { Caller } from './ConnectionAccount.ts';
import type { AccountStats } from './HeldConnections.ts';
import { stackAbove } from './LeakWatch.ts';
import type { TenantConnection } from './TenantConnection.ts';

/** What a pool of PostgreSQL's lends. */
export type LentConnection = Pick<TenantConnection, 'query' | 'release' | 'processID'>;

/** What every pool lends, whatever the database is. */
export interface Lent {
  query(text: string, parameters: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  /** One row after the other, where a cursor in `query` is not the way to get them. */
  stream?(text: string, parameters: readonly unknown[]): AsyncIterableIterator<unknown>;
  release(): void;
  /** Of PostgreSQL's process. */
  readonly processID?: number | undefined;
}

/** What a pool needs of an account. */
export interface LendingAccount<L> {
  readonly tenantId: string;
  acquire(caller?: Caller): Promise<LeasableConnection<L>>;
  end(reason: string, graceMs: number, force: (connection: LeasableConnection<L>) => void): Promise<void>;
  stats(): AccountStats;
}

/** A pool, for whoever only ends it. */
export interface EndablePool {
  close(reason: string, graceMs: number): Promise<void>;
}

/** A connection that can be lent as `L`. */
export interface LeasableConnection<L> extends BudgetedConnection {
  readonly broken: boolean;
  /** `stack` is where, for leaks that are watched for. */
  lease(stack?: string): L;
  /** Takes the connection from its user. */
  revoke(): void;
}

/** Who asks a pool for a connection. */
export interface PoolCaller extends Caller {
  /** Whether the EntityManager has the same signal, so that Kysely tells the caller of its abort. */
  readonly emHasSignal?: boolean | undefined;
}

export interface TenantPoolOptions {
  /** How long connections in use may go on when Kysely ends the pool. */
  readonly graceMs: () => number;
  /** Hears of an end from outside. */
  readonly onEnd?: () => void;
  /** Who asks for a connection now, for the signal under which it waits. */
  readonly caller?: () => PoolCaller | undefined;
  /** Whether the stack of each caller is kept as long as it holds its connection. */
  readonly watchesLeaks?: boolean;
}

/** How one tenant's ORM reaches its database: what Kysely's PostgreSQL dialect takes for a pool. */
export class TenantPool<L extends Lent = LentConnection> {
  /** Kysely spreads these into a client of its own when it cancels; there is none: it uses a connection of this pool. */
  readonly options = Object.freeze({});
  readonly #account: LendingAccount<L>;
  readonly #onEnd: () => void;
  readonly #graceMs: () => number;
  readonly #caller: () => PoolCaller | undefined;
  readonly #watchesLeaks: boolean;
  #endedBecause: string | undefined;

  constructor(account: LendingAccount<L>, options: TenantPoolOptions) {
    this.#account = account;
    this.#onEnd = options.onEnd ?? (() => {});
    this.#graceMs = options.graceMs;
    this.#caller = options.caller ?? (() => undefined);
    this.#watchesLeaks = options.watchesLeaks ?? false;
  }

  async connect(): Promise<L> {
    this.assertOpen();
    const stack = this.#watchesLeaks ? stackAbove(this.connect) : undefined;
    const caller = this.#caller();
    try {
      let connection = await this.#account.acquire(caller);
      while (connection.broken) {
        // It died on its way here; nothing was sent on it, so that another one serves as well.
        connection = await this.#account.acquire(caller);
      }
      return connection.lease(stack);
    } catch (error) {
      if (caller?.emHasSignal === true && error === caller.signal?.reason) {
        return abandoned(error) as Lent as L;
      }
      throw error;
    }
  }

  /** Throws `TenantClosedError` once the pool has ended. */
  assertOpen(): void {
    if (this.#endedBecause !== undefined) {
      throw new TenantClosedError(this.#account.tenantId, this.#endedBecause);
    }
  }

  /** Kysely calls this from `orm.close()`. */
  async end(): Promise<void> {
    const first = this.#endedBecause === undefined;
    const ended = this.close('closed by the application', this.#graceMs());
    if (first) {
      this.#onEnd();
    }
    await ended;
  }

  /**
   * Turns waiting callers away, waits up to `graceMs` for connections in use, then cuts them off. Never hangs; may be
   * called again, with less time.
   */
  close(reason: string, graceMs: number): Promise<void> {
    this.#endedBecause ??= reason;
    return this.#account.end(reason, graceMs, (connection) => connection.revoke());
  }

  stats(): AccountStats {
    return this.#account.stats();
  }
}

/**
 * Stands for the connection that nobody waits for any more. Kysely, which has left already, writes to the console when
 * it gets an error instead, and releases what it gets.
 */
function abandoned(reason: unknown): Lent {
  const query = (): never => {
    throw reason;
  };
  return { processID: 0, query, stream: query, release: () => {} };
}
