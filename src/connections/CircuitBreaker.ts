import { Backoff } from './Backoff.ts';
import type { Clock } from './Clock.ts';

/** So many attempts in a row that the server did not answer mean that it is down. */
const FAILURES = 3;
/** When callers look again while somebody else's probe is under way. */
const WHILE_PROBING_MS = 100;

type State =
  | { readonly is: 'closed'; readonly failures: number; readonly error?: unknown }
  | { readonly is: 'open'; readonly since: number; readonly error: unknown }
  | { readonly is: 'half-open'; readonly since: number; readonly error: unknown };

/** What a breaker tells of its server. */
export interface BreakerListener {
  down(error: unknown, retryInMs: number): void;
  up(downForMs: number): void;
  /** Called after every change: callers that were held back may try now, or need not wait any longer. */
  changed(): void;
}

/** Why no connection may be opened now, and when to ask again. */
export interface Blocked {
  readonly error: unknown;
  readonly retryInMs: number;
}

/**
 * Keeps attempts away from a server that is down: after three failures in a row nobody tries for a while, then one
 * attempt is let through at a time; the first that the server answers lets everybody in again.
 */
export class CircuitBreaker {
  readonly #clock: Clock;
  readonly #listener: BreakerListener;
  readonly #backoff: Backoff;
  #state: State = { is: 'closed', failures: 0 };

  constructor(clock: Clock, listener: BreakerListener) {
    this.#clock = clock;
    this.#listener = listener;
    this.#backoff = new Backoff(clock);
  }

  /** Once the time is over for which everybody was kept away, the next attempt is let through: that is half-open. */
  get state(): 'closed' | 'open' | 'half-open' {
    return this.#state.is === 'open' && this.#backoff.pending === undefined ? 'half-open' : this.#state.is;
  }

  /** `undefined` when an attempt may be made now. */
  get blocked(): Blocked | undefined {
    if (this.#state.is === 'closed') {
      return undefined;
    }
    const { error } = this.#state;
    return this.#state.is === 'half-open' ? { error, retryInMs: WHILE_PROBING_MS } : this.#backoff.pending;
  }

  /** The last failure of a server that may be down: there were some in a row, and too few to say so. */
  get suspicion(): Blocked | undefined {
    return this.#state.is === 'closed' && this.#state.failures > 0
      ? { error: this.#state.error, retryInMs: WHILE_PROBING_MS }
      : undefined;
  }

  /** Notes that an attempt begins. */
  begin(): void {
    if (this.#state.is === 'open') {
      this.#state = { ...this.#state, is: 'half-open' };
    }
  }

  /** The server answered an attempt, be it with a refusal. */
  succeed(): void {
    const before = this.#state;
    this.#backoff.succeed();
    this.#state = { is: 'closed', failures: 0 };
    if (before.is !== 'closed') {
      this.#listener.up(this.#clock.now() - before.since);
      this.#listener.changed();
    }
  }

  /** The server did not answer an attempt. */
  fail(error: unknown): void {
    const before = this.#state;
    if (before.is === 'closed') {
      const failures = before.failures + 1;
      if (failures < FAILURES) {
        this.#state = { is: 'closed', failures, error };
        return;
      }
      this.#state = { is: 'open', since: this.#clock.now(), error };
      this.#listener.down(error, this.#backoff.fail(error));
    } else {
      this.#state = { is: 'open', since: before.since, error };
      this.#backoff.fail(error);
    }
    this.#listener.changed();
  }

  /** An attempt ended without having asked the server. */
  abandon(): void {
    if (this.#state.is === 'half-open') {
      this.#state = { ...this.#state, is: 'open' };
      this.#listener.changed();
    }
  }
}
