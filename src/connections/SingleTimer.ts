import type { Clock } from './Clock.ts';

/** At most one timer at a time. */
export class SingleTimer {
  readonly #schedule: Clock['schedule'];
  #cancel: (() => void) | undefined;

  constructor(schedule: Clock['schedule']) {
    this.#schedule = schedule;
  }

  /** Calls `fn` after `delayMs`, unless another call is due already. */
  after(delayMs: number, fn: () => void): void {
    this.#cancel ??= this.#schedule(delayMs, () => {
      this.#cancel = undefined;
      fn();
    });
  }

  cancel(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
