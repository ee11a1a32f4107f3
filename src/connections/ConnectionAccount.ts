import { TenantClosedError } from '../errors.ts';
import { AccountQueue } from './AccountQueue.ts';
import type { BudgetedConnection, CloseCause } from './BudgetedConnection.ts';
import type { ConnectionBudget } from './ConnectionBudget.ts';
import type { OnWaited } from './ConnectionBudgetLimits.ts';
import type { ConnectionOpener, Opened } from './ConnectionOpener.ts';
import { connectFailureOf } from './connectFailure.ts';
import { Drain } from './Drain.ts';
import { type AccountStats, HeldConnections } from './HeldConnections.ts';
import type { TenantShare } from './TenantShare.ts';

/** Who asks for a connection. `signal` is read only when the caller has to wait, so that it may be made then. */
export interface Caller {
  readonly signal?: AbortSignal | undefined;
}

export interface ConnectionAccountParts<C extends BudgetedConnection> {
  readonly share: TenantShare<C>;
  readonly opener: ConnectionOpener<C>;
  readonly budget: ConnectionBudget<C>;
  readonly onWaited?: OnWaited | undefined;
}

/** What one tenant has of one route: its idle and used connections and its waiting callers. */
export class ConnectionAccount<C extends BudgetedConnection> {
  readonly tenantId: string;
  readonly share: TenantShare<C>;
  readonly #opener: ConnectionOpener<C>;
  readonly #budget: ConnectionBudget<C>;
  readonly #held = new HeldConnections<C>();
  readonly #queue: AccountQueue<C>;
  readonly #onWaited: OnWaited | undefined;
  #endedBecause: string | undefined;
  #drain: Drain | undefined;

  constructor({ share, opener, budget, onWaited }: ConnectionAccountParts<C>) {
    this.tenantId = share.tenantId;
    this.share = share;
    this.#opener = opener;
    this.#budget = budget;
    this.#onWaited = onWaited;
    const dispatch = (): void => budget.dispatch(this);
    this.#queue = new AccountQueue({ held: this.#held, share, opener, budget, dispatch });
  }

  /** How many callers wait for whom no connection is being opened, although one may be. */
  get unserved(): number {
    const waiting = this.waitForRoom;
    return waiting > 0 && this.#opener.blocked === undefined ? waiting : 0;
  }

  /** How many callers wait for whom no connection is being opened. */
  get waitForRoom(): number {
    return Math.max(0, this.#queue.size - this.#held.opening);
  }

  /**
   * Whether one more connection is worth the room of another tenant: the first one is, and one for a caller who has
   * waited for the others for twice as long as opening one takes.
   */
  get hasClaim(): boolean {
    return this.unserved > 0 && (!this.#held.mayServe || (this.#held.opening === 0 && this.#queue.isImpatient));
  }

  get sockets(): number {
    return this.#held.sockets;
  }

  get closing(): number {
    return this.#held.closing.length;
  }

  get hasIdle(): boolean {
    return this.#held.idle.length > 0;
  }

  /** Since when the first waiting caller waits; infinity where nobody does. */
  get waitsSince(): number {
    return this.#queue.since;
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
    const own = this.#queue.size === 0 ? this.#held.idle.pop() : undefined;
    if (own !== undefined) {
      const idleForMs = this.#budget.reused(own);
      this.#held.inUse.add(own);
      return idleForMs < this.#budget.limits.checkAfterIdleMs
        ? Promise.resolve(own)
        : this.#checked(own, caller, timeoutMs);
    }
    const { blocked } = this.#opener;
    // Where others wait already, whatever they wait for serves this caller as well.
    if (blocked !== undefined && !this.#held.mayServe && this.#queue.size === 0 && !this.#awaitsRoom(blocked.error)) {
      return Promise.reject(this.#opener.refusal(blocked));
    }
    return this.#waiting(this.#queue.wait(caller?.signal, timeoutMs));
  }

  /** Beside the caller and not before it, who is to lose no turn by being watched. */
  #waiting(connection: Promise<C>): Promise<C> {
    const onWaited = this.#onWaited;
    if (onWaited !== undefined) {
      const { clock } = this.#budget;
      const since = clock.now();
      connection.then(
        () => onWaited(clock.now() - since, undefined),
        (error: unknown) => onWaited(clock.now() - since, error),
      );
    }
    return connection;
  }

  /** A connection that was idle for long may be dead without anybody having heard of it. */
  async #checked(connection: C, caller: Caller | undefined, timeoutMs: number): Promise<C> {
    const startedAt = this.#budget.clock.now();
    const isAlive = await connection.check();
    if (isAlive && this.#held.inUse.has(connection) && this.#endedBecause === undefined) {
      return connection;
    }
    if (isAlive) {
      this.release(connection);
    } else {
      this.broken(connection);
      for (const other of [...this.#held.idle].filter((one) => this.#budget.wantsCheck(one))) {
        this.giveUp(other, 'broken');
      }
    }
    return this.#acquire(caller, Math.max(0, timeoutMs - (this.#budget.clock.now() - startedAt)));
  }

  /** Gives a connection back. `destroy` closes it instead, where its state is not to be trusted. */
  release(connection: C, destroy = false): void {
    if (!this.#held.inUse.delete(connection)) {
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
  }

  /**
   * Forgets a connection that broke. One in use is taken back at once: its user cannot do anything with it, and may
   * never release it, as when a transaction cannot be rolled back any more.
   */
  broken(connection: C): void {
    this.giveUp(connection, 'broken');
    if (this.#held.inUse.delete(connection)) {
      this.#close(connection, 'broken');
      this.#budget.dispatch(this);
    }
  }

  #offer(connection: C): void {
    if (this.#queue.size === 0) {
      this.#held.idle.push(connection);
      this.#budget.becameIdle(connection, this);
    } else if (this.#budget.mayHandOver(this)) {
      this.#held.inUse.add(connection);
      this.#queue.serve(connection);
    } else {
      this.#close(connection, 'stolen');
    }
  }

  #close(connection: C, cause: CloseCause): void {
    this.#held.closing = [...this.#held.closing, connection];
    void this.#budget.close(connection, this, cause);
  }

  /** @internal Called by the budget when a socket of this account is closed. */
  closed(connection: C): void {
    this.#held.closing = this.#held.closing.filter((other) => other !== connection);
    this.#checkDrained();
  }

  /** @internal Closes an idle connection. */
  giveUp(connection: C, cause: CloseCause): void {
    if (this.#held.takeIdle(connection)) {
      this.#budget.leftIdle(connection);
      this.#close(connection, cause);
    }
  }

  /** @internal Closes the longest idle connection for another account of the tenant. */
  giveUpLongest(): void {
    const [longest] = this.#held.idle;
    if (longest !== undefined) {
      this.giveUp(longest, 'stolen');
    }
  }

  /** @internal Opens one connection for the budget, which counts its socket meanwhile. */
  openOne(): Promise<Opened<C>> {
    this.#held.opening += 1;
    return this.#opener.open();
  }

  /** @internal Hands out what {@link openOne} brought, once the budget has counted it. */
  settleOpening(opened: Opened<C>): void {
    this.#held.opening -= 1;
    if (!('error' in opened)) {
      if (this.#endedBecause === undefined) {
        this.#offer(opened.connection);
      } else {
        this.#close(opened.connection, 'ended');
      }
    } else if (this.#awaitsRoom(opened.error)) {
      this.#budget.yieldToServer();
      this.#queue.retryLater();
    } else {
      this.#queue.refuse(opened.error);
    }
    this.#queue.waitAnew();
    this.#checkDrained();
  }

  /** Whether the server only takes no more clients, and connections of this process can make room on it. */
  #awaitsRoom(error: unknown): boolean {
    return connectFailureOf(error) === 'full' && this.#budget.hasSockets;
  }

  /** @internal The server went down, or may be tried again. */
  reconsider(): void {
    if (this.#queue.size === 0) {
      return;
    }
    const { blocked } = this.#opener;
    if (blocked !== undefined && this.#opener.isServerDown && !this.#held.mayServe) {
      this.#queue.refuse(this.#opener.refusal(blocked));
    }
    this.#budget.dispatch(this);
    this.#queue.retryLater();
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
    this.#queue.refuseAll(closed);
    for (const connection of [...this.#held.idle]) {
      this.giveUp(connection, 'ended');
    }
    this.#budget.dispatch(this);
    if (this.sockets === 0) {
      this.#checkDrained();
      return;
    }
    const forceAll = (): void => {
      for (const connection of [...this.#held.inUse]) {
        force(connection);
        this.release(connection, true);
      }
    };
    const cutAll = (): void => {
      for (const connection of this.#held.closing) {
        connection.cut();
      }
    };
    this.#drain ??= new Drain(this.#budget.clock);
    await this.#drain.wait(graceMs, forceAll, cutAll);
  }

  #checkDrained(): void {
    if (this.sockets === 0 && this.#endedBecause !== undefined) {
      this.#budget.ended(this);
      this.#drain?.done();
    }
  }

  stats(): AccountStats {
    return this.#held.stats(this.#queue.size);
  }
}
