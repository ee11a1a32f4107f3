import { TenancyConfigurationError } from '../errors.ts';

/** Which databases this process has open, and by how many connections, whichever manager opened them. */
export class OpenCounts {
  readonly #counts = new Map<string, number>();

  /** Counts one more connection to the database at `place`. */
  opened(place: string): void {
    this.#counts.set(place, (this.#counts.get(place) ?? 0) + 1);
  }

  /** Counts one less. Gives whether that was the last one. */
  closed(place: string): boolean {
    const left = (this.#counts.get(place) ?? 0) - 1;
    if (left > 0) {
      this.#counts.set(place, left);
      return false;
    }
    return this.#counts.delete(place);
  }

  /** Throws `TenancyConfigurationError` while the database is open. */
  assertClosed(place: string, database: string): void {
    if (this.#counts.has(place)) {
      throw new TenancyConfigurationError(
        `The database "${database}" is open in this process. Suspend its tenant in the catalogue and call ` +
          '`manager.evict(id)` first.',
      );
    }
  }
}
