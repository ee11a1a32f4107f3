import { TenancyConfigurationError } from '../errors.ts';
import { WriteTurns } from './WriteTurns.ts';

interface OpenFile {
  connections: number;
  readonly turns: WriteTurns;
}

/** Which files this process has open, whichever manager opened them. */
export class OpenFiles {
  readonly #files = new Map<string, OpenFile>();

  /** Counts one more connection to the file. Gives whose turn it is to write there. */
  opened(path: string): WriteTurns {
    let file = this.#files.get(path);
    if (file === undefined) {
      file = { connections: 0, turns: new WriteTurns() };
      this.#files.set(path, file);
    }
    file.connections += 1;
    return file.turns;
  }

  closed(path: string): void {
    const file = this.#files.get(path);
    if (file !== undefined) {
      file.connections -= 1;
      if (file.connections === 0) {
        this.#files.delete(path);
      }
    }
  }

  /** Throws `TenancyConfigurationError` while the file is open. */
  assertClosed(path: string, database: string): void {
    if (this.#files.has(path)) {
      throw new TenancyConfigurationError(
        `The database "${database}" is open in this process. Suspend its tenant in the catalogue and call ` +
          '`manager.evict(id)` first.',
      );
    }
  }
}
