import { messageOf, TenantClosedError, TenantConnectionError } from '../errors.ts';
import { Backoff } from './Backoff.ts';
import type { BudgetedConnection, CloseCause, ConnectionBudget } from './ConnectionBudget.ts';

/**
 * Opens one connection. Rejects with what the caller is to see; enforces its own deadline, and gives up when `signal`
 * is aborted because nobody can use the connection any more.
 */
export type OpenConnection<C> = (signal: AbortSignal) => Promise<C>;

/** What came of opening one connection. */
export type Opened<C> = { readonly connection: C } | { readonly error: unknown };

interface Waiter<C> {
  readonly resolve: (connection: C) => void;
  readonly reject: (error: unknown) => void;
  readonly stopWaiting: () => void;
}

/** What one tenant has of a {@link ConnectionBudget}: its idle and used connections and its waiting callers. */
export class ConnectionAccount<C extends BudgetedConnection> {
  readonly tenantId: string;
  readonly #openConnection: OpenConnection<C>;
  readonly #budget: ConnectionBudget<C>;
  readonly #backoff: Backoff;
  readonly #idle: C[] = [];
  readonly #inUse = new Set<C>();
  readonly #waiters = new Set<Waiter<C>>();
  #opening = 0;
  #closing = 0;
  #endedBecause: string | undefined;
  #drained: PromiseWithResolvers<void> | undefined;
  #openings: AbortController | undefined;
  #cancelRetry: (() => void) | undefined;

  constructor(tenantId: string, open: OpenConnection<C>, budget: ConnectionBudget<C>) {
    this.tenantId = tenantId;
    this.#openConnection = open;
    this.#budget = budget;
    this.#backoff = new Backoff(budget.clock);
  }

  /** How many more connections this tenant could use and may open. */
  get wants(): number {
    if (this.#backoff.pending !== undefined) {
      return 0;
    }
    const room = this.#budget.limits.maxConnectionsPerTenant - this.#sockets;
    return Math.max(0, Math.min(room, this.#waiters.size - this.#opening));
  }

  get #sockets(): number {
    return this.#opening + this.#closing + this.#idle.length + this.#inUse.size;
  }

  /** Whether a connection can come free for a waiting caller; one that is closing cannot. */
  get #mayServe(): boolean {
    return this.#opening + this.#inUse.size > 0;
  }

  /**
   * A connection for the caller alone, until it is given to {@link release}. Rejects with
   * `ConnectionBudgetExceededError` after the deadline, and with `signal.reason` when `signal` is aborted first.
   */
  acquire(signal?: AbortSignal): Promise<C> {
    if (this.#endedBecause !== undefined) {
      return Promise.reject(new TenantClosedError(this.tenantId, this.#endedBecause));
    }
    if (signal?.aborted === true) {
      return Promise.reject(signal.reason);
    }
    const own = this.#waiters.size === 0 ? this.#idle.pop() : undefined;
    if (own !== undefined) {
      this.#budget.leftIdle(own);
      this.#inUse.add(own);
      return Promise.resolve(own);
    }
    const backoff = this.#mayServe ? undefined : this.#backoff.pending;
    if (backoff !== undefined) {
      return Promise.reject(this.#failedRecently(backoff));
    }
    return this.#wait(signal);
  }

  #wait(signal: AbortSignal | undefined): Promise<C> {
    return new Promise((resolve, reject) => {
      const leave = (error: unknown): void => {
        this.#leave(waiter);
        this.#budget.dispatch(this);
        reject(error);
      };
      const onAbort = (): void => leave(signal?.reason);
      const cancelDeadline = this.#budget.clock.schedule(this.#budget.limits.acquireTimeoutMs, () =>
        leave(this.#budget.exceeded(this.tenantId, this.#lateBecause())),
      );
      const stopWaiting = (): void => {
        cancelDeadline();
        signal?.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter<C> = { resolve, reject, stopWaiting };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(waiter);
      this.#budget.waits(1);
      this.#budget.dispatch(this);
      const unserved = this.#waiters.size - this.#opening;
      const refusal = unserved > 0 ? this.#budget.refusal(this.tenantId, unserved) : undefined;
      if (refusal !== undefined) {
        leave(refusal);
      }
      this.#retryLater();
    });
  }

  /** Callers that waited for a connection in use may get one of their own once the back-off is over. */
  #retryLater(): void {
    const { pending } = this.#backoff;
    if (pending !== undefined && this.#waiters.size > 0 && this.#cancelRetry === undefined) {
      this.#cancelRetry = this.#budget.outside(() =>
        this.#budget.clock.schedule(pending.retryInMs, () => {
          this.#cancelRetry = undefined;
          this.#budget.dispatch(this);
          // A timer may fire a moment early.
          this.#retryLater();
        }),
      );
    }
  }

  #lateBecause(): string {
    const within = `within ${this.#budget.limits.acquireTimeoutMs} ms`;
    return this.#opening > 0 ? `the server opened no connection ${within}` : `no connection became free ${within}`;
  }

  #leave(waiter: Waiter<C>): void {
    if (this.#waiters.delete(waiter)) {
      this.#budget.waits(-1);
    }
    if (this.#waiters.size === 0) {
      this.#cancelRetry?.();
      this.#cancelRetry = undefined;
    }
    waiter.stopWaiting();
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
    const [first] = this.#waiters;
    if (first !== undefined && this.#budget.mayHandOver(this)) {
      this.#leave(first);
      this.#inUse.add(connection);
      first.resolve(connection);
    } else if (first !== undefined) {
      this.#close(connection, 'stolen');
    } else {
      this.#idle.push(connection);
      this.#budget.becameIdle(connection, this);
    }
  }

  #close(connection: C, cause: CloseCause): void {
    this.#closing += 1;
    void this.#budget.close(connection, this, cause);
  }

  /** @internal Called by the budget when a socket of this account is closed. */
  closed(): void {
    this.#closing -= 1;
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

  /** @internal Opens one connection for the budget, which counts its socket meanwhile. */
  async openOne(): Promise<Opened<C>> {
    this.#opening += 1;
    this.#openings ??= new AbortController();
    try {
      const connection = await this.#openConnection(this.#openings.signal);
      this.#backoff.succeed();
      return { connection };
    } catch (error) {
      this.#backoff.fail(error);
      return { error };
    }
  }

  /** @internal Hands out what {@link openOne} brought, once the budget has counted it. */
  settleOpening(opened: Opened<C>): void {
    this.#opening -= 1;
    if ('error' in opened) {
      this.#rejectWaiters(opened.error);
    } else if (this.#endedBecause === undefined) {
      this.#offer(opened.connection);
    } else {
      this.#close(opened.connection, 'ended');
    }
    this.#checkDrained();
  }

  /** Without any other connection nobody else can be served either; otherwise only the first caller pays. */
  #rejectWaiters(error: unknown): void {
    for (const waiter of [...this.#waiters]) {
      this.#leave(waiter);
      waiter.reject(error);
      if (this.#mayServe) {
        break;
      }
    }
    this.#retryLater();
  }

  #failedRecently(backoff: { readonly error: unknown; readonly retryInMs: number }): unknown {
    if (!(backoff.error instanceof TenantConnectionError)) {
      return backoff.error;
    }
    const why = `${messageOf(backoff.error.cause ?? backoff.error)}; tried again in ${Math.ceil(backoff.retryInMs)} ms`;
    return new TenantConnectionError(this.tenantId, why, { cause: backoff.error, retryInMs: backoff.retryInMs });
  }

  /**
   * Refuses new callers, turns waiting ones away, gives up connections that are idle or being opened, and waits up to
   * `graceMs` for the ones in use; then `force` is called for each that is left. Resolves when every socket of the
   * account is closed. May be called again, with less time.
   */
  async end(reason: string, graceMs: number, force: (connection: C) => void): Promise<void> {
    this.#endedBecause ??= reason;
    this.#openings?.abort(new TenantClosedError(this.tenantId, this.#endedBecause));
    for (const waiter of [...this.#waiters]) {
      this.#leave(waiter);
      waiter.reject(new TenantClosedError(this.tenantId, reason));
    }
    for (const connection of [...this.#idle]) {
      this.giveUp(connection, 'ended');
    }
    this.#budget.dispatch(this);
    if (this.#sockets === 0) {
      return;
    }
    this.#drained ??= Promise.withResolvers();
    const cancel = this.#budget.clock.schedule(graceMs, () => {
      for (const connection of [...this.#inUse]) {
        force(connection);
        this.release(connection, true);
      }
    });
    await this.#drained.promise;
    cancel();
  }

  #checkDrained(): void {
    if (this.#sockets === 0) {
      this.#drained?.resolve();
    }
  }

  stats(): { readonly open: number; readonly inUse: number; readonly idle: number; readonly waiting: number } {
    return {
      open: this.#idle.length + this.#inUse.size,
      inUse: this.#inUse.size,
      idle: this.#idle.length,
      waiting: this.#waiters.size,
    };
  }
}
