import { TenantClosedError } from '../errors.ts';
import type { BudgetedConnection, CloseCause, ConnectionBudget } from './ConnectionBudget.ts';
import type { ConnectionOpener, Opened } from './ConnectionOpener.ts';
import { connectFailureOf } from './connectFailure.ts';
import { SingleTimer } from './SingleTimer.ts';
import type { TenantShare } from './TenantShare.ts';
import { WaitingLine } from './WaitingLine.ts';

/** Who asks for a connection. `signal` is read only when the caller has to wait, so that it may be made then. */
export interface Caller {
  readonly signal?: AbortSignal | undefined;
}

export interface ConnectionAccountParts<C extends BudgetedConnection> {
  readonly share: TenantShare<C>;
  readonly opener: ConnectionOpener<C>;
  readonly budget: ConnectionBudget<C>;
}

export type AccountStats = Readonly<Record<'opening' | 'open' | 'inUse' | 'idle' | 'closing' | 'waiting', number>>;

/** How long a connection may take to say goodbye once its account has run out of time. */
const GOODBYE_MS = 50;

/** What one tenant has of one route: its idle and used connections and its waiting callers. */
export class ConnectionAccount<C extends BudgetedConnection> {
  readonly tenantId: string;
  readonly share: TenantShare<C>;
  readonly #opener: ConnectionOpener<C>;
  readonly #budget: ConnectionBudget<C>;
  readonly #idle: C[] = [];
  readonly #inUse = new Set<C>();
  readonly #closing = new Set<C>();
  readonly #line: WaitingLine<C>;
  readonly #retry: SingleTimer;
  readonly #patience: SingleTimer;
  #isImpatient = false;
  #opening = 0;
  /** When the last opening came to its end. */
  #openedAt = 0;
  #endedBecause: string | undefined;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor({ share, opener, budget }: ConnectionAccountParts<C>) {
    this.tenantId = share.tenantId;
    this.share = share;
    this.#opener = opener;
    this.#budget = budget;
    const schedule = (delayMs: number, fn: () => void) => budget.outside(() => budget.clock.schedule(delayMs, fn));
    this.#retry = new SingleTimer(schedule);
    this.#patience = new SingleTimer(schedule);
    this.#line = new WaitingLine(budget.clock, (by) => budget.waits(by));
  }

  /** How many callers wait for whom no connection is being opened, although one may be. */
  get unserved(): number {
    const unserved = this.#line.size - this.#opening;
    return unserved > 0 && this.#opener.blocked === undefined ? unserved : 0;
  }

  /**
   * Whether one more connection is worth the room of another tenant: the first one is, and one for a caller who has
   * waited for the others for twice as long as opening one takes.
   */
  get hasClaim(): boolean {
    return this.unserved > 0 && (!this.#mayServe || (this.#opening === 0 && this.#isImpatient));
  }

  get sockets(): number {
    return this.#opening + this.#closing.size + this.#idle.length + this.#inUse.size;
  }

  get closing(): number {
    return this.#closing.size;
  }

  get hasIdle(): boolean {
    return this.#idle.length > 0;
  }

  /** Since when the first waiting caller waits; infinity where nobody does. */
  get waitsSince(): number {
    return this.#line.since ?? Number.POSITIVE_INFINITY;
  }

  /** Whether a connection can come free for a waiting caller; one that is closing cannot. */
  get #mayServe(): boolean {
    return this.#opening + this.#inUse.size > 0;
  }

  /**
   * A connection for the caller alone, until it is given to {@link release}. Rejects with
   * `ConnectionBudgetExceededError` after the deadline, and with `signal.reason` when the caller's is aborted first.
   */
  acquire(caller?: Caller): Promise<C> {
    return this.#acquire(caller, this.#budget.limits.acquireTimeoutMs);
  }

  #acquire(caller: Caller | undefined, timeoutMs: number): Promise<C> {
    if (this.#endedBecause !== undefined) {
      return Promise.reject(new TenantClosedError(this.tenantId, this.#endedBecause));
    }
    const own = this.#line.size === 0 ? this.#idle.pop() : undefined;
    if (own !== undefined) {
      const idleForMs = this.#budget.reused(own);
      this.#inUse.add(own);
      return idleForMs < this.#budget.limits.checkAfterIdleMs
        ? Promise.resolve(own)
        : this.#checked(own, caller, timeoutMs);
    }
    const { blocked } = this.#opener;
    // Where others wait already, whatever they wait for serves this caller as well.
    if (blocked !== undefined && !this.#mayServe && this.#line.size === 0 && !this.#awaitsRoom(blocked.error)) {
      return Promise.reject(this.#opener.refusal(blocked));
    }
    return this.#wait(caller?.signal, timeoutMs);
  }

  /** A connection that was idle for long may be dead without anybody having heard of it. */
  async #checked(connection: C, caller: Caller | undefined, timeoutMs: number): Promise<C> {
    const startedAt = this.#budget.clock.now();
    const isAlive = await connection.check();
    if (isAlive && this.#inUse.has(connection) && this.#endedBecause === undefined) {
      return connection;
    }
    if (isAlive) {
      this.release(connection);
    } else {
      this.broken(connection);
      for (const other of [...this.#idle].filter((one) => this.#budget.wantsCheck(one))) {
        this.giveUp(other, 'broken');
      }
    }
    return this.#acquire(caller, Math.max(0, timeoutMs - (this.#budget.clock.now() - startedAt)));
  }

  #wait(signal: AbortSignal | undefined, timeoutMs: number): Promise<C> {
    if (signal?.aborted === true) {
      return Promise.reject(signal.reason);
    }
    const place = this.#line.join({
      signal,
      timeoutMs,
      late: () => this.#budget.exceeded(this.share, this.#lateBecause()),
      left: () => {
        this.#stopTimers();
        this.#budget.dispatch(this);
      },
    });
    this.#budget.dispatch(this);
    const unserved = this.#line.size - this.#opening;
    const refusal = unserved > 0 ? this.#budget.refusal(this.share, unserved) : undefined;
    if (refusal !== undefined) {
      place.leave(refusal);
    }
    this.#retryLater();
    this.#waitPatiently();
    return place.promise;
  }

  /** The first caller loses patience after some time, unless it is served or another connection comes before. */
  #waitPatiently(): void {
    if (this.#line.size > 0 && !this.#isImpatient) {
      const { clock, patienceMs } = this.#budget;
      const dueInMs = Math.max(this.waitsSince, this.#openedAt) + patienceMs - clock.now();
      this.#patience.after(Math.max(0, dueInMs), () => {
        this.#isImpatient = true;
        this.#budget.dispatch(this);
      });
    }
  }

  #beginPatience(): void {
    this.#isImpatient = false;
    this.#patience.cancel();
    this.#waitPatiently();
  }

  /** Callers that wait for a connection in use may get one of their own once nothing is in the way any more. */
  #retryLater(): void {
    const { blocked } = this.#opener;
    if (blocked !== undefined && this.#line.size > 0) {
      this.#retry.after(blocked.retryInMs, () => {
        this.#budget.dispatch(this);
        // A timer may fire a moment early.
        this.#retryLater();
      });
    }
  }

  #stopTimers(): void {
    if (this.#line.size === 0) {
      this.#retry.cancel();
      this.#patience.cancel();
      this.#isImpatient = false;
    }
  }

  #lateBecause(): string {
    const within = `within ${this.#budget.limits.acquireTimeoutMs} ms`;
    if (this.#opening > 0) {
      return `the server opened no connection ${within}`;
    }
    const isFull = connectFailureOf(this.#opener.blocked?.error) === 'full';
    return `no connection became free ${within}${isFull ? ', and the server takes no more clients' : ''}`;
  }

  /** Gives a connection back. `destroy` closes it instead, where its state is not to be trusted. */
  release(connection: C, destroy = false): void {
    if (!this.#inUse.delete(connection)) {
      return;
    }
    if (destroy) {
      this.#close(connection, 'not reusable');
    } else if (this.#endedBecause !== undefined) {
      this.#close(connection, 'ended');
    } else if (this.#budget.isExpired(connection)) {
      this.#close(connection, 'expired');
    } else {
      this.#offer(connection);
    }
    this.#budget.dispatch(this);
    this.#checkDrained();
  }

  /**
   * Forgets a connection that broke. One in use is taken back at once: its user cannot do anything with it, and may
   * never release it, as when a transaction cannot be rolled back any more.
   */
  broken(connection: C): void {
    this.giveUp(connection, 'broken');
    if (this.#inUse.delete(connection)) {
      this.#close(connection, 'broken');
      this.#budget.dispatch(this);
    }
  }

  #offer(connection: C): void {
    if (this.#line.size === 0) {
      this.#idle.push(connection);
      this.#budget.becameIdle(connection, this);
    } else if (this.#budget.mayHandOver(this)) {
      this.#inUse.add(connection);
      this.#line.serve(connection);
      this.#stopTimers();
      this.#beginPatience();
    } else {
      this.#close(connection, 'stolen');
    }
  }

  #close(connection: C, cause: CloseCause): void {
    this.#closing.add(connection);
    void this.#budget.close(connection, this, cause);
  }

  /** @internal Called by the budget when a socket of this account is closed. */
  closed(connection: C): void {
    this.#closing.delete(connection);
    this.#checkDrained();
  }

  /** @internal Closes an idle connection. */
  giveUp(connection: C, cause: CloseCause): void {
    const at = this.#idle.indexOf(connection);
    if (at >= 0) {
      this.#idle.splice(at, 1);
      this.#budget.leftIdle(connection);
      this.#close(connection, cause);
    }
  }

  /** @internal Closes the longest idle connection for another account of the tenant. */
  giveUpLongest(): void {
    const [longest] = this.#idle;
    if (longest !== undefined) {
      this.giveUp(longest, 'stolen');
    }
  }

  /** @internal Opens one connection for the budget, which counts its socket meanwhile. */
  openOne(): Promise<Opened<C>> {
    this.#opening += 1;
    return this.#opener.open();
  }

  /** @internal Hands out what {@link openOne} brought, once the budget has counted it. */
  settleOpening(opened: Opened<C>): void {
    this.#opening -= 1;
    this.#openedAt = this.#budget.clock.now();
    if (!('error' in opened)) {
      if (this.#endedBecause === undefined) {
        this.#offer(opened.connection);
      } else {
        this.#close(opened.connection, 'ended');
      }
    } else if (this.#awaitsRoom(opened.error)) {
      this.#budget.yieldToServer();
      this.#retryLater();
    } else {
      this.#rejectWaiters(opened.error);
    }
    this.#beginPatience();
    this.#checkDrained();
  }

  /** Whether the server only takes no more clients, and connections of this process can make room on it. */
  #awaitsRoom(error: unknown): boolean {
    return connectFailureOf(error) === 'full' && this.#budget.hasSockets;
  }

  /** Without any other connection nobody else can be served either; otherwise only the first caller pays. */
  #rejectWaiters(error: unknown): void {
    do {
      this.#line.refuse(error);
    } while (this.#line.size > 0 && !this.#mayServe);
    this.#stopTimers();
    this.#retryLater();
  }

  /** @internal The server went down, or may be tried again. */
  reconsider(): void {
    if (this.#line.size === 0) {
      return;
    }
    const { blocked } = this.#opener;
    if (blocked !== undefined && this.#opener.isServerDown && !this.#mayServe) {
      this.#rejectWaiters(this.#opener.refusal(blocked));
    }
    this.#budget.dispatch(this);
    this.#retryLater();
  }

  /**
   * Refuses new callers, turns waiting ones away, gives up connections that are idle or being opened, and waits up to
   * `graceMs` for the ones in use; then `force` is called for each that is left. Resolves when every socket of the
   * account is closed, at most 50 ms after that. May be called again, with less time.
   */
  async end(reason: string, graceMs: number, force: (connection: C) => void): Promise<void> {
    this.#endedBecause ??= reason;
    const closed = new TenantClosedError(this.tenantId, this.#endedBecause);
    this.#opener.abort(closed);
    while (this.#line.size > 0) {
      this.#line.refuse(closed);
    }
    this.#stopTimers();
    for (const connection of [...this.#idle]) {
      this.giveUp(connection, 'ended');
    }
    this.#budget.dispatch(this);
    if (this.sockets === 0) {
      this.#checkDrained();
      return;
    }
    this.#drained ??= Promise.withResolvers();
    const { clock } = this.#budget;
    const cancels = [
      clock.schedule(graceMs, () => {
        for (const connection of [...this.#inUse]) {
          force(connection);
          this.release(connection, true);
        }
      }),
      clock.schedule(graceMs + GOODBYE_MS, () => {
        for (const connection of this.#closing) {
          connection.cut();
        }
      }),
    ];
    await this.#drained.promise;
    for (const cancel of cancels) {
      cancel();
    }
  }

  #checkDrained(): void {
    if (this.sockets === 0 && this.#endedBecause !== undefined) {
      this.#budget.ended(this);
      this.#drained?.resolve();
    }
  }

  stats(): AccountStats {
    return {
      opening: this.#opening,
      open: this.#idle.length + this.#inUse.size,
      inUse: this.#inUse.size,
      idle: this.#idle.length,
      closing: this.#closing.size,
      waiting: this.#line.size,
    };
  }
}
