import { type Clock, systemClock } from '../connections/Clock.ts';
import { WaitingLine } from '../connections/WaitingLine.ts';

export interface WriteTurnOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Makes the error of who has waited for too long. */
  readonly late: () => unknown;
}

/**
 * Who may write to one database now, among the connections of this process: one at a time, first-in first-out. SQLite has
 * one writer, and would have the others ask again and again, by statements for which the whole process waits.
 */
export class WriteTurns {
  readonly #line: WaitingLine<undefined>;
  #isTaken = false;

  constructor(clock: Clock = systemClock) {
    this.#line = new WaitingLine<undefined>(clock, () => {});
  }

  /** Resolves when it is the caller's turn, until {@link end}. Rejects with what `late` makes, or the signal's reason. */
  async take({ timeoutMs, signal, late }: WriteTurnOptions): Promise<void> {
    signal.throwIfAborted();
    if (!this.#isTaken) {
      this.#isTaken = true;
      return;
    }
    await this.#line.join({ timeoutMs, signal, late, left: () => {} }).promise;
  }

  /** Ends the turn of who has it. */
  end(): void {
    if (this.#line.size > 0) {
      this.#line.serve(undefined);
    } else {
      this.#isTaken = false;
    }
  }
}
