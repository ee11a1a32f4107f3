import { AsyncLocalStorage } from 'node:async_hooks';
import { ConnectionBudgetExceededError } from '../errors.ts';
import { type Clock, systemClock } from './Clock.ts';
import { ConnectionAccount, type OpenConnection } from './ConnectionAccount.ts';

export interface ConnectionBudgetLimits {
  /** Opening, open and closing sockets together never exceed this. */
  readonly maxConnections: number;
  /** The same for one tenant. */
  readonly maxConnectionsPerTenant: number;
  /** How long a caller waits for a connection, opening included. */
  readonly acquireTimeoutMs: number;
  /** How many callers of one tenant may wait. */
  readonly maxWaitingPerTenant: number;
  /** How many callers of all tenants may wait. */
  readonly maxWaiting: number;
  /** An idle connection is closed after this time. */
  readonly idleTimeoutMs: number;
}

/** Why a connection was closed. */
export type CloseCause = 'stolen' | 'idle' | 'broken' | 'not reusable' | 'ended';

/** What the budget counts: one socket. */
export interface BudgetedConnection {
  /** Resolves when the socket is closed; never rejects, never hangs. */
  close(cause: CloseCause): Promise<void>;
}

export interface ConnectionBudgetStats {
  readonly opening: number;
  readonly idle: number;
  readonly inUse: number;
  readonly closing: number;
  readonly waiting: number;
  readonly stolen: number;
  readonly refused: number;
  readonly limit: number;
}

/**
 * After so many connections in a row went from a tenant to its own next waiter while another tenant waited for room,
 * the next one is given up to that tenant. Handing over costs nothing, giving up costs a new connection.
 */
const MAX_BYPASSES = 8;

/**
 * A hard ceiling on the sockets to one PostgreSQL server, shared by its tenants. Acquire takes the tenant's own idle
 * connection, opens one below the limits, takes the room of the longest idle one of another tenant, or waits: first-in
 * first-out within a tenant, round-robin between tenants, with a deadline.
 */
export class ConnectionBudget<C extends BudgetedConnection> {
  readonly limits: ConnectionBudgetLimits;
  readonly clock: Clock;
  readonly #outside = AsyncLocalStorage.snapshot();
  /** Idle connections of all tenants, the longest idle first. */
  readonly #idle = new Map<C, { readonly account: ConnectionAccount<C>; readonly since: number }>();
  /** Tenants that want room for a connection, in the order of their turns. */
  readonly #turns = new Set<ConnectionAccount<C>>();
  #sockets = 0;
  #opening = 0;
  #closing = 0;
  #waiting = 0;
  #stolen = 0;
  #refused = 0;
  #bypasses = 0;
  #cancelSweep: (() => void) | undefined;

  constructor(limits: ConnectionBudgetLimits, clock: Clock = systemClock) {
    this.limits = limits;
    this.clock = clock;
  }

  /** An account for one tenant, whose connections `open` opens. */
  account(tenantId: string, open: OpenConnection<C>): ConnectionAccount<C> {
    return new ConnectionAccount(tenantId, open, this);
  }

  stats(): ConnectionBudgetStats {
    return {
      opening: this.#opening,
      idle: this.#idle.size,
      inUse: this.#sockets - this.#opening - this.#closing - this.#idle.size,
      closing: this.#closing,
      waiting: this.#waiting,
      stolen: this.#stolen,
      refused: this.#refused,
      limit: this.limits.maxConnections,
    };
  }

  /** @internal Runs `fn` in no request's async context, so that a connection keeps no request's objects alive. */
  outside<R>(fn: () => R): R {
    return this.#outside(fn);
  }

  /** @internal Undefined when a caller may wait, otherwise the refusal. */
  refusal(tenantId: string, waitingOfTenant: number): ConnectionBudgetExceededError | undefined {
    // Callers whose connection is being opened wait for the server, not for room.
    const waiting = this.#waiting - this.#opening;
    if (waitingOfTenant <= this.limits.maxWaitingPerTenant && waiting <= this.limits.maxWaiting) {
      return undefined;
    }
    return this.exceeded(tenantId, 'too many callers wait for a connection');
  }

  /** @internal */
  exceeded(tenantId: string, why: string): ConnectionBudgetExceededError {
    this.#refused += 1;
    const { inUse, limit, waiting } = this.stats();
    return new ConnectionBudgetExceededError(tenantId, why, inUse, limit, waiting);
  }

  /** @internal */
  waits(by: 1 | -1): void {
    this.#waiting += by;
  }

  /** @internal Whether a connection that became free goes to its own tenant's next waiter. */
  mayHandOver(account: ConnectionAccount<C>): boolean {
    if (this.#wanted(account) <= 0) {
      return true;
    }
    this.#bypasses += 1;
    return this.#bypasses <= MAX_BYPASSES;
  }

  /** @internal */
  becameIdle(connection: C, account: ConnectionAccount<C>): void {
    this.#idle.set(connection, { account, since: this.clock.now() });
    this.#scheduleSweep();
  }

  /** @internal */
  leftIdle(connection: C): void {
    this.#idle.delete(connection);
  }

  /** @internal Closes the socket and gives its room to whoever waits. */
  close(connection: C, account: ConnectionAccount<C>, cause: CloseCause): Promise<void> {
    this.#closing += 1;
    this.#stolen += cause === 'stolen' ? 1 : 0;
    return this.#outside(async () => {
      await connection.close(cause);
      this.#closing -= 1;
      this.#sockets -= 1;
      account.closed();
      this.dispatch(account);
    });
  }

  /** @internal Starts whatever the limits allow, now that `account` or the counts changed. */
  dispatch(account?: ConnectionAccount<C>): void {
    if (account !== undefined) {
      this.#takeTurn(account);
    }
    for (const next of this.#turns) {
      if (this.#sockets < this.limits.maxConnections) {
        this.#turns.delete(next);
        this.#bypasses = 0;
        this.#open(next);
        this.#takeTurn(next);
      } else if (!this.#makeRoom()) {
        return;
      }
    }
  }

  #takeTurn(account: ConnectionAccount<C>): void {
    if (account.wants > 0) {
      this.#turns.add(account);
    } else {
      this.#turns.delete(account);
    }
  }

  #open(account: ConnectionAccount<C>): void {
    this.#sockets += 1;
    this.#opening += 1;
    void this.#outside(() =>
      account.openOne().then((opened) => {
        this.#opening -= 1;
        if ('error' in opened) {
          this.#sockets -= 1;
        }
        account.settleOpening(opened);
        this.dispatch(account);
      }),
    );
  }

  /** Gives up the longest idle connection, unless enough room is on its way already. */
  #makeRoom(): boolean {
    const [oldest] = this.#idle;
    if (oldest === undefined || this.#wanted() <= 0) {
      return false;
    }
    oldest[1].account.giveUp(oldest[0], 'stolen');
    return true;
  }

  /** How much room tenants other than `but` want beyond what is on its way to them. */
  #wanted(but?: ConnectionAccount<C>): number {
    let wanted = -this.#closing;
    for (const account of this.#turns) {
      wanted += account === but ? 0 : account.wants;
      if (wanted > 0) {
        break;
      }
    }
    return wanted;
  }

  #scheduleSweep(): void {
    const [oldest] = this.#idle.values();
    if (oldest === undefined || this.#cancelSweep !== undefined) {
      return;
    }
    const dueInMs = Math.max(0, oldest.since + this.limits.idleTimeoutMs - this.clock.now());
    this.#cancelSweep = this.#outside(() => this.clock.schedule(dueInMs, () => this.#sweep()));
  }

  #sweep(): void {
    this.#cancelSweep = undefined;
    const deadline = this.clock.now() - this.limits.idleTimeoutMs;
    for (const [connection, { account, since }] of this.#idle) {
      if (since > deadline) {
        break;
      }
      account.giveUp(connection, 'idle');
    }
    this.#scheduleSweep();
  }

  /** Stops the timer. Call it when every account has ended. */
  stop(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }
}
