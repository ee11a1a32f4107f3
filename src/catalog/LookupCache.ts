import { AsyncLocalStorage } from 'node:async_hooks';
import { LRUCache } from 'lru-cache';
import { CatalogUnavailableError, messageOf, TenancyError } from '../errors.ts';
import type { CatalogClock } from './CatalogClock.ts';

/** While the source fails, it is asked once in this time for a key that is known. */
const RETRY_MS = 1_000;
/** How long an answer may take before the source counts as failing; a dead connection would never answer. */
const LOOKUP_TIMEOUT_MS = 5_000;
/** How many names that nobody has are remembered; the oldest is forgotten first. */
const MAX_MISSES = 10_000;

export interface LookupCacheOptions {
  readonly clock: CatalogClock;
  readonly positiveTtlMs: number;
  readonly negativeTtlMs: number;
  readonly staleOnErrorMs: number;
  readonly maxEntries: number;
  /** How many keys the source is asked for at once; beyond, callers are refused. */
  readonly maxLookups: number;
}

interface Entry<V> {
  readonly value: V;
  readonly at: number;
}

interface Lookup<V> {
  readonly found: Promise<V | undefined>;
  /** Whether the key changed since the source was asked. */
  isOutdated: boolean;
}

/**
 * Answers of a source by key: hits and misses each for their time, one question for all who ask, and the last answer
 * while the source fails.
 */
export class LookupCache<V extends object> {
  readonly #options: LookupCacheOptions;
  readonly #source: (key: string) => Promise<V | undefined>;
  readonly #hits: LRUCache<string, Entry<V>>;
  readonly #misses = new LRUCache<string, Entry<true>>({ max: MAX_MISSES });
  readonly #lookups = new Map<string, Lookup<V>>();
  readonly #outside = AsyncLocalStorage.snapshot();
  #failedAt: number | undefined;

  constructor(source: (key: string) => Promise<V | undefined>, options: LookupCacheOptions) {
    this.#source = source;
    this.#options = options;
    this.#hits = new LRUCache({ max: options.maxEntries });
  }

  get size(): number {
    return this.#hits.size + this.#misses.size + this.#lookups.size;
  }

  has(key: string): boolean {
    return this.#hits.has(key);
  }

  keys(): string[] {
    return [...this.#hits.keys()];
  }

  /** What is known of the key without asking. */
  fresh(key: string): V | undefined {
    const hit = this.#hits.get(key);
    return hit !== undefined && this.#ageOf(hit) < this.#options.positiveTtlMs ? hit.value : undefined;
  }

  /** Rejects with `CatalogUnavailableError` when the source fails and the key is not known. */
  async get(key: string): Promise<V | undefined> {
    const fresh = this.fresh(key);
    if (fresh !== undefined) {
      return fresh;
    }
    const miss = this.#misses.get(key);
    if (miss !== undefined && this.#ageOf(miss) < this.#options.negativeTtlMs) {
      return undefined;
    }
    const stale = this.#hits.get(key);
    if (stale === undefined || this.#ageOf(stale) >= this.#options.staleOnErrorMs) {
      return this.#ask(key);
    }
    if (this.#failedAt !== undefined) {
      // Nobody waits for a source that fails while there is an answer.
      if (this.#options.clock.now() - this.#failedAt >= RETRY_MS) {
        this.#failedAt = this.#options.clock.now();
        this.#ask(key).catch(() => {});
      }
      return stale.value;
    }
    return this.#ask(key).catch(() => stale.value);
  }

  /** Forgets the key; an answer that is on its way is given to those who wait for it and not kept. */
  drop(key: string): void {
    this.#hits.delete(key);
    this.#misses.delete(key);
    const lookup = this.#lookups.get(key);
    if (lookup !== undefined) {
      lookup.isOutdated = true;
      this.#lookups.delete(key);
    }
  }

  /** Asks anew, whatever is known. */
  async renew(key: string): Promise<V | undefined> {
    this.drop(key);
    return this.#ask(key);
  }

  set(key: string, value: V): void {
    this.#misses.delete(key);
    this.#hits.set(key, { value, at: this.#options.clock.now() });
  }

  #ageOf({ at }: Entry<unknown>): number {
    return this.#options.clock.now() - at;
  }

  #ask(key: string): Promise<V | undefined> {
    const existing = this.#lookups.get(key);
    if (existing !== undefined) {
      return existing.found;
    }
    if (this.#lookups.size >= this.#options.maxLookups) {
      return Promise.reject(new CatalogUnavailableError('too many tenants are looked up at once'));
    }
    // Outside: the answer is for all who ask, and no request's context or transaction may reach into it.
    const lookup: Lookup<V> = { isOutdated: false, found: this.#outside(() => this.#answer(key, () => lookup)) };
    this.#lookups.set(key, lookup);
    return lookup.found;
  }

  async #answer(key: string, lookup: () => Lookup<V>): Promise<V | undefined> {
    const { clock } = this.#options;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const cancel = clock.schedule(LOOKUP_TIMEOUT_MS, () =>
      reject(new CatalogUnavailableError(`no answer within ${LOOKUP_TIMEOUT_MS} ms`)),
    );
    try {
      const value = await Promise.race([this.#source(key), late]);
      this.#failedAt = undefined;
      if (!lookup().isOutdated) {
        this.#keep(key, value);
      }
      return value;
    } catch (error) {
      this.#failedAt = clock.now();
      throw failureOf(error);
    } finally {
      cancel();
      if (this.#lookups.get(key) === lookup()) {
        this.#lookups.delete(key);
      }
    }
  }

  #keep(key: string, value: V | undefined): void {
    if (value === undefined) {
      this.#hits.delete(key);
      this.#misses.set(key, { value: true, at: this.#options.clock.now() });
    } else {
      this.set(key, value);
    }
  }
}

/** How a source that failed is told of. */
export function failureOf(error: unknown): TenancyError {
  return error instanceof CatalogUnavailableError || (error instanceof TenancyError && error.status === 500)
    ? error
    : new CatalogUnavailableError(messageOf(error), { cause: error });
}
