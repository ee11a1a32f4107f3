import { AsyncLocalStorage } from 'node:async_hooks';
import { CatalogUnavailableError, messageOf } from '../errors.ts';
import type { CatalogChangeBatch, CatalogChanges } from './CatalogChanges.ts';
import type { CatalogClock } from './CatalogClock.ts';

/** After a poll that failed, nobody waits for another one during this time. */
const RETRY_MS = 1_000;

export interface CatalogWatchParts {
  readonly changes: CatalogChanges;
  readonly clock: CatalogClock;
  readonly pollIntervalMs: number;
  /** For how long what was read last may be taken for true while reading fails. */
  readonly staleOnErrorMs: number;
  readonly apply: (batch: CatalogChangeBatch) => Promise<void>;
  /** Hears of the first failure after a success. */
  readonly failed: (error: unknown) => void;
}

/** Reads the changes of a catalogue every so often, and when it is woken; one read at a time, for all who wait. */
export class CatalogWatch {
  readonly #parts: CatalogWatchParts;
  readonly #outside = AsyncLocalStorage.snapshot();
  #polling: Promise<void> | undefined;
  #isWoken = false;
  #cancel: (() => void) | undefined;
  #isClosed = false;
  /** When the last read that succeeded began. */
  #asOf: number | undefined;
  #failure: { readonly at: number; readonly error: unknown } | undefined;

  constructor(parts: CatalogWatchParts) {
    this.#parts = parts;
    parts.changes.onWake(() => this.wake());
  }

  /**
   * Waits until what is known is at most `maxAgeMs` old, which takes one poll for all who ask. Rejects with
   * `CatalogUnavailableError` when nothing is known, or nothing that is not too old.
   */
  async freshen(maxAgeMs: number): Promise<void> {
    if (this.#isFresh(maxAgeMs)) {
      return;
    }
    const { clock, changes, staleOnErrorMs } = this.#parts;
    const failedAt = this.#failure?.at;
    if (failedAt === undefined || clock.now() - failedAt >= RETRY_MS) {
      const release = changes.hold();
      try {
        await this.#poll();
      } finally {
        release();
      }
    }
    if (!this.#isFresh(staleOnErrorMs)) {
      const error = this.#failure?.error;
      throw error instanceof CatalogUnavailableError
        ? error
        : new CatalogUnavailableError(error === undefined ? 'it is closed' : messageOf(error), { cause: error });
    }
  }

  /** Reads now; once more if a read is under way, which may have begun before the change. */
  wake(): void {
    if (this.#polling === undefined) {
      void this.#poll();
    } else {
      this.#isWoken = true;
    }
  }

  /** Begins to read, if nobody has asked for anything yet. */
  start(): void {
    if (this.#asOf === undefined && this.#cancel === undefined && this.#polling === undefined) {
      void this.#poll();
    }
  }

  /** Waits for the read that is under way, if there is one. */
  async settled(): Promise<void> {
    await this.#polling;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    this.#cancel = undefined;
    await this.#parts.changes.close();
    await this.#polling;
  }

  #isFresh(maxAgeMs: number): boolean {
    return this.#asOf !== undefined && this.#parts.clock.now() - this.#asOf < maxAgeMs;
  }

  /** Never rejects. */
  #poll(): Promise<void> {
    this.#polling ??= this.#outside(async () => {
      await this.#readOnce();
      this.#polling = undefined;
      this.#goOn();
    });
    return this.#polling;
  }

  async #readOnce(): Promise<void> {
    if (this.#isClosed) {
      return;
    }
    const { clock, changes, apply, failed } = this.#parts;
    const startedAt = clock.now();
    try {
      await apply(await changes.read());
      this.#asOf = startedAt;
      this.#failure = undefined;
    } catch (error) {
      const isFirst = this.#failure === undefined;
      this.#failure = { at: clock.now(), error };
      if (isFirst && !this.#isClosed) {
        failed(error);
      }
    }
  }

  #goOn(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#isClosed) {
      return;
    }
    if (this.#isWoken && this.#failure === undefined) {
      this.#isWoken = false;
      void this.#poll();
      return;
    }
    this.#isWoken = false;
    const { clock, pollIntervalMs } = this.#parts;
    const delayMs = this.#failure === undefined ? pollIntervalMs : Math.min(pollIntervalMs, RETRY_MS);
    this.#cancel = this.#outside(() => clock.schedule(delayMs, () => void this.#poll()));
  }
}
