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

/**
 * A connection that its tenant came back to is kept so many times longer than one that was used once. Most tenants of
 * many come once in a while; without this they would push out the connections of those that come all the time.
 */
const KEPT_LONGER = 16;

/** The idle connections of all tenants, with the one timer that closes them in time. */
export class IdleConnections<C extends BudgetedConnection> {
  readonly #clock: Clock;
  readonly #idleTimeoutMs: number;
  readonly #outside: <R>(fn: () => R) => R;
  /** The longest idle first, of those that nobody came back to and of those that somebody did. */
  readonly #usedOnce = new Map<C, Idle<C>>();
  readonly #usedAgain = new Map<C, Idle<C>>();
  readonly #cameBackTo = new WeakSet<C>();
  #sweep: { readonly at: number; readonly cancel: () => void } | undefined;

  constructor(clock: Clock, idleTimeoutMs: number, outside: <R>(fn: () => R) => R) {
    this.#clock = clock;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#outside = outside;
  }

  get size(): number {
    return this.#usedOnce.size + this.#usedAgain.size;
  }

  /** `expiresAt` is when the connection has lived long enough, idle or not. */
  add(connection: C, owner: IdleOwner<C>, expiresAt: number): void {
    const since = this.#clock.now();
    const dueAt = Math.min(since + this.#idleTimeoutMs, expiresAt);
    const idle = this.#cameBackTo.has(connection) ? this.#usedAgain : this.#usedOnce;
    idle.set(connection, { owner, since, dueAt });
    this.#sweepAt(dueAt);
  }

  /** Takes a connection out for its tenant. Returns for how many milliseconds it was idle. */
  reuse(connection: C): number {
    const again = this.#usedAgain.get(connection);
    if (again !== undefined) {
      this.#usedAgain.delete(connection);
      return this.#clock.now() - again.since;
    }
    const idleForMs = this.idleForMs(connection);
    this.#usedOnce.delete(connection);
    this.#cameBackTo.add(connection);
    return idleForMs;
  }

  remove(connection: C): void {
    this.#usedOnce.delete(connection);
    this.#usedAgain.delete(connection);
  }

  /** For how many milliseconds `connection` has been idle. */
  idleForMs(connection: C): number {
    const idle = this.#usedOnce.get(connection) ?? this.#usedAgain.get(connection);
    return idle === undefined ? 0 : this.#clock.now() - idle.since;
  }

  /** Has the connection given up for another tenant that will be missed least. Returns whether there was one. */
  giveUpOne(): boolean {
    const [once] = this.#usedOnce;
    const [again] = this.#usedAgain;
    const victim = once === undefined || this.#isOutlived(once[1], again?.[1]) ? again : once;
    victim?.[1].owner.giveUp(victim[0], 'stolen');
    return victim !== undefined;
  }

  #isOutlived(once: Idle<C>, again: Idle<C> | undefined): boolean {
    const now = this.#clock.now();
    return again !== undefined && now - again.since > KEPT_LONGER * (now - once.since);
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
    for (const [connection, { owner, since, dueAt }] of [...this.#usedOnce, ...this.#usedAgain]) {
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
