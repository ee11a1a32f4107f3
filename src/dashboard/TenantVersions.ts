import { LRUCache } from 'lru-cache';
import type { TenancyEmitter } from '../events.ts';
import type { FleetStatus, TenantStatusReport } from '../migrations/status/FleetStatus.ts';
import { serverOf, statusOf, type Tenant, type TenantStatus } from '../tenant/Tenant.ts';
import { isTenantId } from '../tenant/tenantId.ts';

export interface TenantVersionsParts {
  readonly status: (options: { readonly ids: readonly string[] }) => Promise<FleetStatus>;
  readonly servers: () => ReadonlySet<string>;
  readonly events: TenancyEmitter;
  readonly ttlMs: number;
  /** How long a page waits for what is not known yet. */
  readonly waitMs: number;
}

/** One question about some tenants. */
interface Asking {
  readonly question: symbol;
  readonly answered: Promise<void>;
}

/** Of others no database can be asked. */
const ANSWERING: readonly TenantStatus[] = ['active', 'readonly', 'suspended', 'maintenance'];
const KEPT = 10_000;

/**
 * Where the schemas of the tenants on a page stand. Each of their databases has to be asked, and one of them may be away:
 * a page has what is known, and the rest when it is renewed.
 */
export class TenantVersions {
  readonly #parts: TenantVersionsParts;
  readonly #known: LRUCache<string, TenantStatusReport>;
  /** What is being asked for; what changes meanwhile is taken out, so that nothing of before is kept. */
  readonly #asked = new Map<string, Asking>();

  constructor(parts: TenantVersionsParts) {
    this.#parts = parts;
    this.#known = new LRUCache({ max: KEPT, ttl: parts.ttlMs });
    const { events } = parts;
    events.on('migration:applied', ({ tenantId }) => this.#forget([tenantId]));
    events.on('migration:reverted', ({ tenantId }) => this.#forget([tenantId]));
    events.on('catalog:changed', ({ tenantIds }) => this.#forget(tenantIds));
  }

  /** What is known by now, or within `waitMs`. Never rejects. */
  async of(tenants: readonly Tenant[]): Promise<ReadonlyMap<string, TenantStatusReport>> {
    const servers = this.#parts.servers();
    const wanted = tenants.filter(
      (tenant) => isTenantId(tenant.id) && ANSWERING.includes(statusOf(tenant)) && servers.has(serverOf(tenant)),
    );
    const ids = wanted.map(({ id }) => id).filter((id) => !this.#known.has(id));
    const missing = ids.filter((id) => !this.#asked.has(id));
    if (missing.length > 0) {
      this.#ask(missing);
    }
    await within(this.#parts.waitMs, Promise.all(ids.flatMap((id) => this.#asked.get(id)?.answered ?? [])));
    return new Map(
      wanted.flatMap(({ id }) => {
        const report = this.#known.get(id);
        return report === undefined ? [] : [[id, report] as const];
      }),
    );
  }

  #ask(ids: readonly string[]): void {
    const question = Symbol('question');
    const answered = this.#answer(ids, question);
    for (const id of ids) {
      this.#asked.set(id, { question, answered });
    }
  }

  async #answer(ids: readonly string[], question: symbol): Promise<void> {
    const isOurs = (id: string): boolean => this.#asked.get(id)?.question === question;
    try {
      const { tenants } = await this.#parts.status({ ids });
      for (const report of tenants.filter(({ tenantId }) => isOurs(tenantId))) {
        this.#known.set(report.tenantId, report);
      }
    } catch {
      // The page says that it is not known; the next one asks again.
    } finally {
      for (const id of ids.filter(isOurs)) {
        this.#asked.delete(id);
      }
    }
  }

  #forget(ids: readonly string[]): void {
    for (const id of ids) {
      this.#known.delete(id);
      this.#asked.delete(id);
    }
  }
}

async function within(timeMs: number, work: Promise<unknown>): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeMs);
  timer.unref();
  try {
    await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
