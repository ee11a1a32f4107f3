import type { BudgetedConnection, CloseCause } from './BudgetedConnection.ts';
import type { Clock } from './Clock.ts';

/** Whoever gives an idle connection up when it is told to. */
export interface IdleOwner<C> {
  giveUp(connection: C, cause: CloseCause): void;
}

interface Idle<C> {
  readonly owner: IdleOwner<C>;
  readonly since: number;
  readonly dueAt: number;
}

/** The idle connections of all tenants, the longest idle first, with the one timer that closes them in time. */
export class IdleConnections<C extends BudgetedConnection> {
  readonly #clock: Clock;
  readonly #idleTimeoutMs: number;
  readonly #outside: <R>(fn: () => R) => R;
  readonly #idle = new Map<C, Idle<C>>();
  #sweep: { readonly at: number; readonly cancel: () => void } | undefined;

  constructor(clock: Clock, idleTimeoutMs: number, outside: <R>(fn: () => R) => R) {
    this.#clock = clock;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#outside = outside;
  }

  get size(): number {
    return this.#idle.size;
  }

  /** `expiresAt` is when the connection has lived long enough, idle or not. */
  add(connection: C, owner: IdleOwner<C>, expiresAt: number): void {
    const since = this.#clock.now();
    const dueAt = Math.min(since + this.#idleTimeoutMs, expiresAt);
    this.#idle.set(connection, { owner, since, dueAt });
    this.#sweepAt(dueAt);
  }

  /** Takes a connection out. Returns for how many milliseconds it was idle. */
  remove(connection: C): number {
    const idle = this.#idle.get(connection);
    this.#idle.delete(connection);
    return idle === undefined ? 0 : this.#clock.now() - idle.since;
  }

  /** For how many milliseconds `connection` has been idle. */
  idleForMs(connection: C): number {
    const idle = this.#idle.get(connection);
    return idle === undefined ? 0 : this.#clock.now() - idle.since;
  }

  /** Has the longest idle connection given up for another tenant. Returns whether there was one. */
  giveUpLongest(): boolean {
    const [longest] = this.#idle;
    longest?.[1].owner.giveUp(longest[0], 'stolen');
    return longest !== undefined;
  }

  #sweepAt(at: number): void {
    if (this.#sweep !== undefined && this.#sweep.at <= at) {
      return;
    }
    this.#sweep?.cancel();
    const delayMs = Math.max(0, at - this.#clock.now());
    const cancel = this.#outside(() => this.#clock.schedule(delayMs, () => this.#closeDue()));
    this.#sweep = { at, cancel };
  }

  #closeDue(): void {
    this.#sweep = undefined;
    const now = this.#clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [connection, { owner, since, dueAt }] of this.#idle) {
      if (dueAt <= now) {
        owner.giveUp(connection, since + this.#idleTimeoutMs <= now ? 'idle' : 'expired');
      } else {
        next = Math.min(next, dueAt);
      }
    }
    if (next !== Number.POSITIVE_INFINITY) {
      this.#sweepAt(next);
    }
  }

  /** Stops the timer. */
  stop(): void {
    this.#sweep?.cancel();
    this.#sweep = undefined;
  }
}
