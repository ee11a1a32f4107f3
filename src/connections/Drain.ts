import type { Clock } from './Clock.ts';

/** How long a connection may take to say goodbye once its account has run out of time. */
const GOODBYE_MS = 50;

/** Waits until the connections of an account that ends are closed, and loses patience with them twice. */
export class Drain {
  readonly #clock: Clock;
  readonly #drained = Promise.withResolvers<void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `force` after `graceMs`, `cut` 50 ms later, and resolves when {@link done} is called. */
  async wait(graceMs: number, force: () => void, cut: () => void): Promise<void> {
    const cancels = [this.#clock.schedule(graceMs, force), this.#clock.schedule(graceMs + GOODBYE_MS, cut)];
    await this.#drained.promise;
    for (const cancel of cancels) {
      cancel();
    }
  }

  done(): void {
    this.#drained.resolve();
  }
}
