import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * libSQL closes a file once it is told to, and V8 has collected every statement that was prepared on it. This keeps count of
 * the files that wait for that: V8 sees how small a statement is, and not the file behind it.
 */
export class ClosedHandles {
  readonly #most: number;
  readonly #registry = new FinalizationRegistry<number>((round) => {
    if (round === this.#round) {
      this.#count -= 1;
    }
  });
  #count = 0;
  /** Counts collections: what is told of an earlier one is in no count any more. */
  #round = 0;

  /** @param most how many files V8 is left to collect in its own time */
  constructor(most: number) {
    this.#most = most;
  }

  /** Takes what was closed, and holds on to nothing of it. */
  add(handle: object): void {
    if (this.#count >= this.#most) {
      this.collect();
    }
    this.#count += 1;
    this.#registry.register(handle, this.#round);
  }

  /** Has all of them collected now; their files are closed a turn later. */
  collect(): void {
    collectGarbage();
    this.#round += 1;
    this.#count = 0;
  }
}

/** As `node --expose-gc` has it, which the application need not be started with. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  collect();
}
