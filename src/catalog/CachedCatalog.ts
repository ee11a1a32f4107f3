import type { Tenant } from '../tenant/Tenant.ts';
import { batched } from './batched.ts';
import type { CatalogChangeBatch, CatalogChanges } from './CatalogChanges.ts';
import { type CatalogClock, catalogClock } from './CatalogClock.ts';
import { CatalogIndex } from './CatalogIndex.ts';
import { CatalogWatch } from './CatalogWatch.ts';
import { failureOf, LookupCache } from './LookupCache.ts';
import type { ListOptions, TenantCatalog, TenantPage } from './TenantCatalog.ts';

/** How long and how much {@link CachedCatalog} keeps. */
export interface CachedCatalogOptions {
  /** After how long a tenant is looked up again, in milliseconds. @default 30000 */
  readonly positiveTtlMs?: number | undefined;
  /** For how long a name counts as nobody's. @default 3000 */
  readonly negativeTtlMs?: number | undefined;
  /** For how long known tenants are served while the source fails. @default 600000 (10 minutes) */
  readonly staleOnErrorMs?: number | undefined;
  /** How many tenants are kept. @default 10000 */
  readonly maxCachedTenants?: number | undefined;
  /** How many tenants are looked up at once; beyond, callers get `CatalogUnavailableError`. @default 1000 */
  readonly maxLookups?: number | undefined;
  /** Where changes are heard of. With it, names that nobody has take no query and no memory. */
  readonly changes?: CatalogChanges | undefined;
  /** How often `changes` are read. @default 5000 */
  readonly pollIntervalMs?: number | undefined;
  readonly clock?: CatalogClock | undefined;
  /** Hears of the ids that changed, or are gone. */
  readonly onChange?: ((ids: readonly string[]) => void) | undefined;
  /** Hears of the first failure to read `changes` after a success. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

/** A source that gives several tenants at once. */
interface ManyAtOnce<T> {
  findMany?(ids: readonly string[]): Promise<readonly T[]>;
}

const DEFAULTS = Object.freeze({
  positiveTtlMs: 30_000,
  negativeTtlMs: 3_000,
  staleOnErrorMs: 600_000,
  maxCachedTenants: 10_000,
  maxLookups: 1_000,
  pollIntervalMs: 5_000,
  clock: catalogClock,
});

/** How many tenants are asked for at once after a change. */
const CHUNK = 500;

/**
 * A cache before a catalogue. Without `changes`, a change is seen once its time is over. With them, it is seen by the
 * next poll, and every id and domain is known beforehand. `list` is never cached.
 */
export class CachedCatalog<T extends Tenant = Tenant> implements TenantCatalog<T> {
  readonly #source: TenantCatalog<T> & ManyAtOnce<T>;
  readonly #negativeTtlMs: number;
  readonly #staleOnErrorMs: number;
  readonly #byId: LookupCache<T>;
  readonly #byDomain: LookupCache<T>;
  readonly #index = new CatalogIndex();
  readonly #watch: CatalogWatch | undefined;
  readonly #onChange: (ids: readonly string[]) => void;

  constructor(source: TenantCatalog<T>, options: CachedCatalogOptions = {}) {
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const all: typeof DEFAULTS & CachedCatalogOptions = { ...DEFAULTS, ...given };
    const cache = { ...all, maxEntries: all.maxCachedTenants };
    this.#source = source;
    this.#negativeTtlMs = all.negativeTtlMs;
    this.#staleOnErrorMs = all.staleOnErrorMs;
    this.#byId = new LookupCache(findIn(source), cache);
    this.#byDomain = new LookupCache((domain) => source.findByDomain(domain), cache);
    this.#onChange = all.onChange ?? (() => {});
    const { changes } = all;
    if (changes !== undefined) {
      const failed = all.onFailure ?? (() => {});
      this.#watch = new CatalogWatch({ ...all, changes, failed, apply: (batch) => this.#apply(batch) });
    }
  }

  async find(id: string): Promise<T | undefined> {
    this.#watch?.start();
    const fresh = this.#byId.fresh(id);
    if (fresh !== undefined || !(await this.#mayExist(() => this.#index.has(id)))) {
      return fresh;
    }
    return this.#byId.get(id);
  }

  async findByDomain(domain: string): Promise<T | undefined> {
    if (this.#watch === undefined) {
      return this.#byDomain.get(domain);
    }
    await this.#mayExist(() => this.#index.idOf(domain) !== undefined);
    const id = this.#index.idOf(domain);
    const tenant = id === undefined ? undefined : await this.find(id);
    return tenant?.domains?.includes(domain) === true ? tenant : undefined;
  }

  /** Rejects with `CatalogUnavailableError` when the source fails. */
  async list(options?: ListOptions): Promise<TenantPage<T>> {
    try {
      return await this.#source.list(options);
    } catch (error) {
      throw failureOf(error);
    }
  }

  /** Looks the tenants up anew: this process made the change, and is not to wait until it hears of it. */
  async refresh(ids: readonly string[]): Promise<void> {
    // What is being read may be from before the change.
    await this.#watch?.settled();
    for (const id of ids) {
      try {
        this.#changed(id, await this.#byId.renew(id));
      } catch {
        // What was known is forgotten; the next poll brings the change.
        this.#watch?.wake();
      }
    }
  }

  /**
   * Resolves if what is known of `changes` is not too old to answer from, and reads them if it is. Rejects with
   * `CatalogUnavailableError` otherwise.
   */
  async assertUsable(): Promise<void> {
    await this.#watch?.freshen(this.#staleOnErrorMs);
  }

  /** Ends the polling. Never rejects. */
  async close(): Promise<void> {
    await this.#watch?.close();
  }

  /** How much is kept: for tests and figures. */
  get size(): { readonly cached: number; readonly indexed: number } {
    return { cached: this.#byId.size + this.#byDomain.size, indexed: this.#index.size };
  }

  #changed(id: string, tenant: T | undefined): void {
    if (this.#watch !== undefined) {
      this.#index.apply({ id, domains: tenant === undefined ? undefined : (tenant.domains ?? []) });
    }
    this.#onChange([id]);
  }

  /** Whether to ask the source: a name that is not indexed is nobody's, if the index is not too old to say so. */
  async #mayExist(isIndexed: () => boolean): Promise<boolean> {
    if (this.#watch === undefined) {
      return true;
    }
    await this.#watch.freshen(Number.POSITIVE_INFINITY);
    if (!isIndexed()) {
      await this.#watch.freshen(this.#negativeTtlMs);
    }
    return isIndexed();
  }

  async #apply({ changes, isComplete }: CatalogChangeBatch): Promise<void> {
    const ids = isComplete ? this.#index.replace(changes) : changes.map(({ id }) => id);
    // Of those that a complete reading found nothing is known to have changed: they are served until they are renewed.
    const cached = isComplete ? this.#byId.keys() : ids.filter((id) => this.#byId.has(id));
    for (const change of isComplete ? [] : changes) {
      this.#index.apply(change);
    }
    for (const id of ids) {
      this.#byId.drop(id);
    }
    await this.#load(cached.filter((id) => this.#index.has(id)));
    if (ids.length > 0) {
      this.#onChange(ids);
    }
  }

  /** Tenants in use are there again before somebody asks, also if the source fails in the meantime. */
  async #load(ids: readonly string[]): Promise<void> {
    for (let from = 0; from < ids.length; from += CHUNK) {
      const found = (await this.#source.findMany?.(ids.slice(from, from + CHUNK))) ?? [];
      for (const tenant of found) {
        if (!isOlder(tenant, this.#byId.fresh(tenant.id))) {
          this.#byId.set(tenant.id, tenant);
        }
      }
    }
  }
}

function findIn<T extends Tenant>(source: TenantCatalog<T> & ManyAtOnce<T>): (id: string) => Promise<T | undefined> {
  return source.findMany === undefined
    ? (id) => source.find(id)
    : batched(
        async (ids) => (await source.findMany?.(ids)) ?? [],
        ({ id }) => id,
      );
}

/** Whether somebody who looked the tenant up meanwhile got a later state of it. */
function isOlder(tenant: Tenant & { readonly revision?: unknown }, known: typeof tenant | undefined): boolean {
  const [revision, knownRevision] = [tenant.revision, known?.revision];
  return typeof revision === 'number' && typeof knownRevision === 'number' && revision < knownRevision;
}
