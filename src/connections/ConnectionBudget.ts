import { AsyncLocalStorage } from 'node:async_hooks';
import { ConnectionBudgetExceededError } from '../errors.ts';
import type { BudgetedConnection, CloseCause } from './BudgetedConnection.ts';
import { type Clock, systemClock } from './Clock.ts';
import { ConnectionAccount } from './ConnectionAccount.ts';
import type { AccountOptions, ConnectionBudgetLimits, ConnectionBudgetStats } from './ConnectionBudgetLimits.ts';
import { ConnectionOpener, type OpenConnection } from './ConnectionOpener.ts';
import { IdleConnections } from './IdleConnections.ts';
import { Openings } from './Openings.ts';
import { type ConnectionCounts, TenantShare } from './TenantShare.ts';
import { TenantTurns } from './TenantTurns.ts';

/** How many times as long as opening a connection takes. Opening costs more than the time of the one who waits for it. */
const PATIENCE = 2;

/** Connections that were opened together do not expire together. */
const LIFETIME_JITTER = 0.1;

/**
 * A hard ceiling on the sockets to one PostgreSQL server, shared by its tenants. Acquire takes the tenant's own idle
 * connection, opens one below the limits, takes the room of an idle one of another tenant, or waits: first-in first-out
 * within a tenant, round-robin between tenants by their weights, with a deadline. A tenant that has a connection in use
 * takes another's room only once its caller has waited for twice as long as opening one takes: taking it at once would cost
 * more time than it saves, and the other tenant would take it back.
 */
export class ConnectionBudget<C extends BudgetedConnection> {
  readonly limits: ConnectionBudgetLimits;
  readonly clock: Clock;
  readonly #random: () => number;
  readonly #outside = AsyncLocalStorage.snapshot();
  readonly #idle: IdleConnections<C>;
  readonly #expiries = new WeakMap<C, number>();
  readonly #shares = new Map<string, TenantShare<C>>();
  readonly #turns = new TenantTurns<C>();
  readonly #openings: Openings;
  #sockets = 0;
  #opening = 0;
  #closing = 0;
  #waiting = 0;
  #stolen = 0;
  #refused = 0;
  #tainted = 0;

  constructor(limits: ConnectionBudgetLimits, clock: Clock = systemClock, random: () => number = Math.random) {
    this.limits = limits;
    this.clock = clock;
    this.#random = random;
    this.#idle = new IdleConnections(clock, limits.idleTimeoutMs, this.#outside);
    this.#openings = new Openings(limits.maxOpeningConnections, clock, this.#outside, () => this.dispatch());
  }

  /** An account for one tenant, whose connections `open` opens. All accounts of a tenant share its ceiling. */
  account(
    tenantId: string,
    open: OpenConnection<C>,
    { breaker, weight = 1, onWaited }: AccountOptions = {},
  ): ConnectionAccount<C> {
    let share = this.#shares.get(tenantId);
    if (share === undefined) {
      share = new TenantShare(tenantId, this.limits.maxConnectionsPerTenant);
      this.#shares.set(tenantId, share);
    }
    share.weight = weight;
    const opener = new ConnectionOpener({ tenantId, open, breaker, clock: this.clock, outside: this.#outside });
    const account = new ConnectionAccount({ share, opener, budget: this, onWaited });
    share.add(account);
    return account;
  }

  stats(): ConnectionBudgetStats {
    const now = this.clock.now();
    let since = now;
    for (const { accounts } of this.#shares.values()) {
      for (const { waitsSince } of accounts) {
        since = Math.min(since, waitsSince);
      }
    }
    const open = this.#sockets - this.#opening - this.#closing;
    return {
      opening: this.#opening,
      open,
      idle: this.#idle.size,
      inUse: open - this.#idle.size,
      closing: this.#closing,
      waiting: this.#waiting,
      longestWaitMs: now - since,
      stolen: this.#stolen,
      refused: this.#refused,
      tainted: this.#tainted,
      limit: this.limits.maxConnections,
    };
  }

  /** The same for each tenant that has an account. */
  tenantStats(): Readonly<Record<string, ConnectionCounts>> {
    const now = this.clock.now();
    return Object.fromEntries([...this.#shares].map(([tenantId, share]) => [tenantId, share.counts(now)]));
  }

  /** Whether any socket is open, opening or closing. */
  get hasSockets(): boolean {
    return this.#sockets > 0;
  }

  /** @internal How long a caller of a tenant that has a connection waits for it before it claims another's room. */
  get patienceMs(): number {
    return PATIENCE * this.#openings.typicalMs;
  }

  /** @internal Runs `fn` in no request's async context, so that a connection keeps no request's objects alive. */
  outside<R>(fn: () => R): R {
    return this.#outside(fn);
  }

  /** @internal Undefined when a caller may wait, otherwise the refusal. */
  refusal(share: TenantShare<C>, waitingOfTenant: number): ConnectionBudgetExceededError | undefined {
    const { maxWaitingPerTenant, maxWaiting } = this.limits;
    if (waitingOfTenant <= maxWaitingPerTenant && (this.#waiting <= maxWaiting || this.#waitForRoom <= maxWaiting)) {
      return undefined;
    }
    return this.exceeded(share, 'too many callers wait for a connection');
  }

  /** Callers whose connection is being opened wait for the server, not for room. */
  get #waitForRoom(): number {
    let waiting = 0;
    for (const { accounts } of this.#shares.values()) {
      for (const account of accounts) {
        waiting += account.waitForRoom;
      }
    }
    return waiting;
  }

  /** @internal */
  exceeded(share: TenantShare<C>, why: string): ConnectionBudgetExceededError {
    this.#refused += 1;
    share.refused += 1;
    const { inUse, limit, waiting } = this.stats();
    return new ConnectionBudgetExceededError(share.tenantId, why, inUse, limit, waiting);
  }

  /** Counts a connection that came back in a state in which nobody can use it. */
  countTainted(account: ConnectionAccount<C>): void {
    this.#tainted += 1;
    account.share.tainted += 1;
  }

  /** @internal */
  waits(by: 1 | -1): void {
    this.#waiting += by;
  }

  /** @internal Whether a connection that became free goes to its own account's next waiter. */
  mayHandOver(account: ConnectionAccount<C>): boolean {
    const { share } = account;
    const isAwaitedElsewhere = share.isAwaitedElsewhere(account);
    const isWanted = isAwaitedElsewhere || (this.#idle.size === 0 && this.#isRoomWanted(share));
    return !isWanted || this.#turns.mayBypass() || (!isAwaitedElsewhere && this.#turns.mayGoOn(share));
  }

  /** @internal */
  isExpired(connection: C): boolean {
    return this.clock.now() >= this.#expiryOf(connection);
  }

  #expiryOf(connection: C): number {
    return this.#expiries.get(connection) ?? Number.POSITIVE_INFINITY;
  }

  /** @internal Whether an idle connection has to be tried before it is used. */
  wantsCheck(connection: C): boolean {
    return this.#idle.idleForMs(connection) >= this.limits.checkAfterIdleMs;
  }

  /** @internal */
  becameIdle(connection: C, account: ConnectionAccount<C>): void {
    this.#idle.add(connection, account, this.#expiryOf(connection));
  }

  /** @internal Its tenant takes an idle connection. Returns for how many milliseconds it was idle. */
  reused(connection: C): number {
    return this.#idle.reuse(connection);
  }

  /** @internal An idle connection is given up. */
  leftIdle(connection: C): void {
    this.#idle.remove(connection);
  }

  /** @internal The server takes no more clients: one that does nothing makes room for one that is needed. */
  yieldToServer(): void {
    this.#idle.giveUpOne();
  }

  /** @internal Closes the socket and gives its room to whoever waits. */
  close(connection: C, account: ConnectionAccount<C>, cause: CloseCause): Promise<void> {
    const stolen = cause === 'stolen' ? 1 : 0;
    this.#closing += 1;
    this.#stolen += stolen;
    account.share.stolen += stolen;
    return this.#outside(async () => {
      await connection.close(cause);
      this.#closing -= 1;
      this.#sockets -= 1;
      account.closed(connection);
      this.dispatch(account);
    });
  }

  /** @internal An account has ended and has no socket any more. */
  ended(account: ConnectionAccount<C>): void {
    const { share } = account;
    if (share.remove(account) && this.#shares.get(share.tenantId) === share) {
      this.#shares.delete(share.tenantId);
    }
  }

  /** A server went down, or may be tried again: callers that wait for it are told, or try. */
  reconsider(): void {
    for (const { accounts } of this.#shares.values()) {
      for (const account of accounts) {
        account.reconsider();
      }
    }
  }

  /** @internal Starts whatever the limits allow, now that `account` or the counts changed. */
  dispatch(account?: ConnectionAccount<C>): void {
    if (account !== undefined) {
      this.#takePlace(account.share);
    }
    for (let share = this.#turns.next(); share !== undefined; share = this.#turns.next()) {
      if (this.#openings.isFull()) {
        return;
      }
      if (this.#sockets < this.limits.maxConnections) {
        this.#open(share);
      } else if (!this.#makeRoom()) {
        return;
      }
    }
    if (account !== undefined) {
      this.#openIntoFreeRoom(account.share);
    }
  }

  /** Room that nobody claims is for everybody: whoever waits need not wait for a connection of its own tenant. */
  #openIntoFreeRoom(share: TenantShare<C>): void {
    while (share.wants > 0 && this.#sockets < this.limits.maxConnections && !this.#openings.isFull()) {
      this.#open(share);
    }
  }

  #takePlace(share: TenantShare<C>): void {
    this.#turns.place(share);
    share.makeRoom();
  }

  #open(share: TenantShare<C>): void {
    const account = share.next();
    if (account === undefined) {
      this.#turns.place(share);
      return;
    }
    this.#turns.take(share);
    this.#sockets += 1;
    this.#opening += 1;
    const settle = this.#openings.begin();
    void this.#outside(() =>
      account.openOne().then((opened) => {
        settle(!('error' in opened));
        this.#opening -= 1;
        if ('error' in opened) {
          this.#sockets -= 1;
        } else {
          const jitter = 1 + LIFETIME_JITTER * (2 * this.#random() - 1);
          this.#expiries.set(opened.connection, this.clock.now() + this.limits.maxLifetimeMs * jitter);
        }
        account.settleOpening(opened);
        this.dispatch(account);
      }),
    );
    this.#takePlace(share);
  }

  /** Gives up an idle connection, unless enough room is on its way already. */
  #makeRoom(): boolean {
    return this.#isRoomWanted() && this.#idle.giveUpOne();
  }

  /** Whether tenants other than `but` want more room than is on its way to them, and could use it at once. */
  #isRoomWanted(but?: TenantShare<C>): boolean {
    return !this.#openings.isFull(this.#closing) && this.#turns.wanted(this.#closing, but) > this.#closing;
  }

  /** Stops the timer. Call it when every account has ended. */
  stop(): void {
    this.#idle.stop();
  }
}
