import type { Clock } from './Clock.ts';

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;

/** How long something that failed is left alone: 100 ms, doubled by each further failure up to 5 s, forgotten by success. */
export class Backoff {
  readonly #clock: Clock;
  #failures = 0;
  #until = 0;
  #error: unknown;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The last error and the time left, while the back-off runs. */
  get pending(): { readonly error: unknown; readonly retryInMs: number } | undefined {
    const retryInMs = this.#until - this.#clock.now();
    return this.#failures > 0 && retryInMs > 0 ? { error: this.#error, retryInMs } : undefined;
  }

  /**
   * Notes a failure and returns the delay before the next attempt, in milliseconds. One that comes while the back-off
   * runs belongs to an attempt of the same time as the one that began it, and makes it no longer.
   */
  fail(error: unknown): number {
    const { pending } = this;
    if (pending !== undefined) {
      this.#error = error;
      return pending.retryInMs;
    }
    const delay = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#until = this.#clock.now() + delay;
    this.#error = error;
    return delay;
  }

  succeed(): void {
    this.#failures = 0;
    this.#error = undefined;
  }
}
