import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Collects all, which it does without an argument alone, or the young objects. */
type CollectGarbage = (...options: [] | [{ readonly type: 'minor' }]) => void;

/** How many times the young objects are collected for each time that all are, which takes longer the more the process has. */
const YOUNG_PER_WHOLE = 10;

/** As `node --expose-gc` has it, which the application need not be started with. */
const collectGarbage: CollectGarbage = (...options) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as CollectGarbage;
  setFlagsFromString('--no-expose-gc');
  collect(...options);
};

/**
 * libSQL closes a file once it is told to, and V8 has collected every statement that was prepared on it. This keeps count of
 * the files that wait for that: V8 sees how small a statement is, and not the file behind it.
 *
 * Nearly all statements end young, for which V8 need not look through the whole heap. One that read very much may not.
 */
export class ClosedHandles {
  readonly #most: number;
  readonly #collectGarbage: CollectGarbage;
  readonly #registry = new FinalizationRegistry<number>((round) => {
    if (round === this.#round) {
      this.#count -= 1;
    }
  });
  /** Closed since the young objects were collected. */
  #young = 0;
  /** Closed since everything was. */
  #count = 0;
  /** Counts collections of everything: what is told of an earlier one is in no count any more. */
  #round = 0;

  /** @param most how many files V8 is left to collect in its own time */
  constructor(most: number, collect: CollectGarbage = collectGarbage) {
    this.#most = most;
    this.#collectGarbage = collect;
  }

  /** Takes what was closed, and holds on to nothing of it. */
  add(handle: object): void {
    if (this.#count >= this.#most * YOUNG_PER_WHOLE) {
      this.collect();
    } else if (this.#young >= this.#most) {
      this.#young = 0;
      this.#collectGarbage({ type: 'minor' });
    }
    this.#young += 1;
    this.#count += 1;
    this.#registry.register(handle, this.#round);
  }

  /** Has all of them collected now; their files are closed a turn later. */
  collect(): void {
    this.#collectGarbage();
    this.#round += 1;
    this.#young = 0;
    this.#count = 0;
  }
}
