import { OpenCounts } from '../databases/OpenCounts.ts';
import { WriteTurns } from './WriteTurns.ts';

/** Which files this process has open, and whose turn it is to write to them. */
export class OpenFiles {
  readonly #counts = new OpenCounts();
  readonly #turns = new Map<string, WriteTurns>();

  /** Counts one more connection to the file. Gives whose turn it is to write there. */
  opened(path: string): WriteTurns {
    const turns = this.#turns.get(path) ?? new WriteTurns();
    this.#turns.set(path, turns);
    this.#counts.opened(path);
    return turns;
  }

  closed(path: string): void {
    if (this.#counts.closed(path)) {
      this.#turns.delete(path);
    }
  }

  /** Throws `TenancyConfigurationError` while the file is open. */
  assertClosed(path: string, database: string): void {
    this.#counts.assertClosed(path, database);
  }
}
