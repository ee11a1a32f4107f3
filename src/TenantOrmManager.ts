import type { EntityManager } from '@mikro-orm/postgresql';
import pMap from 'p-map';
import type { TenantCatalog } from './catalog/TenantCatalog.ts';
import { PostgresServer, type PostgresServerStats } from './connections/PostgresServer.ts';
import type { TenantPool } from './connections/TenantPool.ts';
import { contextualEntityManager } from './context/contextualEntityManager.ts';
import { currentContext } from './context/TenantContext.ts';
import { ManagerClosedError, NoTenantError, TenancyConfigurationError, TenantNotFoundError } from './errors.ts';
import { TenancyEmitter } from './events.ts';
import { type CheckedManagerOptions, checkManagerOptions, type TenantOrmManagerOptions } from './ManagerOptions.ts';
import { KeyedQueue } from './migrations/KeyedQueue.ts';
import { TenantMigrator } from './migrations/TenantMigrator.ts';
import { OpenTenants, type OpenTenantsStats } from './orm/OpenTenants.ts';
import { OrmTemplate } from './orm/OrmTemplate.ts';
import type { RunOptions, TenantLease, TenantWork } from './orm/TenantLease.ts';
import type { EntityManagerOf, TenantEntities } from './orm/TenantOrmOptions.ts';
import { unlessAborted } from './orm/unlessAborted.ts';
import type { Tenant } from './tenant/Tenant.ts';
import { assertTenantId } from './tenant/tenantId.ts';
import { unavailabilityOf } from './tenant/unavailabilityOf.ts';

/** What became of one tenant in {@link TenantOrmManager.each}. */
export type EachResult<R> =
  | { readonly tenantId: string; readonly ok: true; readonly value: R }
  | { readonly tenantId: string; readonly ok: false; readonly error: unknown };

export interface EachOptions<T extends Tenant> {
  /** Which tenants. @default those that take work */
  readonly where?: (tenant: T) => boolean;
  /** How many tenants at once. @default 4 */
  readonly concurrency?: number;
}

export interface TenantOrmManagerStats extends OpenTenantsStats {
  /** Connections by server. `requests` and `reserved` together never exceed the server's `maxConnections`. */
  readonly servers: Readonly<Record<string, PostgresServerStats>>;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** What a tenant weighs is the application's answer, and so is checked each time. */
function weightOf<T extends Tenant>(tenant: T, weight: ((tenant: T) => number) | undefined): number {
  const given = weight?.(tenant) ?? 1;
  if (!Number.isInteger(given) || given < 1) {
    throw new TenancyConfigurationError(
      `Tenant "${tenant.id}": \`weight\` must give a whole number of at least 1, and gave ${given}.`,
      { tenantId: tenant.id },
    );
  }
  return given;
}

/**
 * One MikroORM per tenant database, one forked EntityManager per run. Opens tenants when they are needed, keeps them
 * while they are used, and closes the least recently used.
 */
export class TenantOrmManager<T extends Tenant = Tenant, EM extends EntityManager = EntityManager> {
  /** Stands for the current tenant's EntityManager; throws `NoTenantError` outside a tenant. */
  readonly em: EM;
  readonly events: TenancyEmitter;
  readonly catalog: TenantCatalog<T>;
  readonly #options: CheckedManagerOptions<T>;
  readonly #template: OrmTemplate;
  readonly #servers: ReadonlyMap<string, PostgresServer>;
  readonly #open: OpenTenants<T>;
  readonly #migrations = new KeyedQueue();
  readonly #migrationPools = new Set<TenantPool>();
  #closed: Promise<void> | undefined;

  /** Checks the options and discovers the metadata once. Connects to nothing. */
  static async init<
    T extends Tenant,
    EM extends EntityManager = EntityManager,
    Entities extends TenantEntities = TenantEntities,
  >(options: TenantOrmManagerOptions<T, EM, Entities>): Promise<TenantOrmManager<T, EntityManagerOf<EM, Entities>>> {
    const checked = checkManagerOptions(options as unknown as TenantOrmManagerOptions<T>);
    const template = await OrmTemplate.build(checked.orm, checked.shareMetadata);
    return new TenantOrmManager(checked, template);
  }

  private constructor(options: CheckedManagerOptions<T>, template: OrmTemplate) {
    this.#options = options;
    this.#template = template;
    this.catalog = options.catalog;
    this.events = new TenancyEmitter();
    this.em = contextualEntityManager(template.orm.em as EntityManager as EM, this);
    this.#servers = new Map(
      [...options.servers].map(([name, of]) => [name, new PostgresServer(name, of, this.events)]),
    );
    this.#open = new OpenTenants({
      template,
      servers: this.#servers,
      events: this.events,
      limits: options,
      weightOf: (tenant) => weightOf(tenant as T, options.weight),
      manager: this,
    });
    this.#reportSharing();
  }

  /**
   * Holds the tenant open until the lease is released. Rejects with `TenantNotFoundError`, `TenantUnavailableError`,
   * `TenantOpenError` or `ManagerClosedError`.
   */
  async acquire(id: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<TenantLease<T, EM>> {
    const { signal } = options;
    signal?.throwIfAborted();
    const tenant = await unlessAborted(this.#find(id), signal);
    const unavailable = unavailabilityOf(tenant);
    if (unavailable !== undefined) {
      throw unavailable;
    }
    const handle = this.#open.get(tenant);
    if (handle.isOpening) {
      await unlessAborted(handle.opened(), signal);
    }
    // Between two awaits an eviction may have come first. `EM` was inferred from the options of the template.
    return handle.isOpen ? (handle.lease(tenant) as unknown as TenantLease<T, EM>) : this.acquire(id, options);
  }

  /** Runs `work` as the tenant, on a fork of its own, and releases the tenant whatever happens. */
  async run<R>(id: string, work: TenantWork<R, T, EM>, options: RunOptions = {}): Promise<R> {
    const lease = await this.acquire(id, { signal: options.signal });
    try {
      return await lease.run(work, options);
    } finally {
      lease.release();
    }
  }

  /** Runs `work` for each tenant. One failure does not stop the others; there is a result for each. */
  async each<R>(work: TenantWork<R, T, EM>, options: EachOptions<T> = {}): Promise<EachResult<R>[]> {
    const { where = (tenant) => unavailabilityOf(tenant) === undefined, concurrency = 4 } = options;
    if (!Number.isInteger(concurrency) || concurrency < 1) {
      throw new TenancyConfigurationError('`concurrency` of `each` must be a whole number of at least 1.');
    }
    return pMap(this.#tenants(where), ({ id }) => this.#attempt(id, work), { concurrency });
  }

  async #attempt<R>(tenantId: string, work: TenantWork<R, T, EM>): Promise<EachResult<R>> {
    try {
      return { tenantId, ok: true, value: await this.run(tenantId, work) };
    } catch (error) {
      return { tenantId, ok: false, error };
    }
  }

  async *#tenants(where: (tenant: T) => boolean): AsyncGenerator<T> {
    let after: string | undefined;
    do {
      const page = await this.catalog.list(after === undefined ? {} : { after });
      yield* page.tenants.filter(where);
      after = page.next;
    } while (after !== undefined);
  }

  /** The tenant of this async context, or `undefined`. */
  current(): T | undefined {
    const context = currentContext();
    return context?.manager === this ? (context.tenant as T) : undefined;
  }

  /** The tenant of this async context. Throws `NoTenantError` when there is none. */
  requireTenant(): T {
    const tenant = this.current();
    if (tenant === undefined) {
      throw new NoTenantError('manager.requireTenant()');
    }
    return tenant;
  }

  /** MikroORM's migrator for one tenant, under a lock and on connections that requests cannot starve. */
  migrator(id: string): TenantMigrator {
    assertTenantId(id);
    return new TenantMigrator({
      template: this.#template,
      events: this.events,
      target: async () => {
        const tenant = await this.#find(id);
        return { tenant, ...this.#open.placeFor(tenant, 'migrations') };
      },
      inTurn: (work) => this.#migrations.run(id, work),
      track: (pool) => {
        this.#migrationPools.add(pool);
        return () => this.#migrationPools.delete(pool);
      },
      lockTimeoutMs: this.#options.migrationLockTimeoutMs,
    });
  }

  /** What is open and in use now; with `tenants`, the connections of each tenant as well. */
  stats(options: { readonly tenants?: boolean | undefined } = {}): TenantOrmManagerStats {
    const servers = Object.fromEntries([...this.#servers].map(([name, server]) => [name, server.stats(options)]));
    return { ...this.#open.stats(), servers };
  }

  /**
   * Closes a tenant: no new lease on this ORM, its leases are waited for up to `timeoutMs` (default 10 000), then
   * statements under way are cut off. The next `run` opens it anew. Resolves to whether it was open; never hangs.
   */
  async evict(id: string, { timeoutMs = DEFAULT_TIMEOUT_MS }: { readonly timeoutMs?: number } = {}): Promise<boolean> {
    return this.#open.close(id, 'evicted', timeoutMs);
  }

  /** Closes every tenant as {@link evict} does, and takes no further work. Never hangs; may be called again. */
  close({ timeoutMs = DEFAULT_TIMEOUT_MS }: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#closeAll(timeoutMs);
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #closeAll(timeoutMs: number): Promise<void> {
    const migrations = [...this.#migrationPools].map((pool) => pool.close('manager closed', timeoutMs));
    await Promise.all([this.#open.closeAll('manager closed', timeoutMs), ...migrations]);
    for (const server of this.#servers.values()) {
      server.stop();
    }
    await this.#template.close();
  }

  async #find(id: string): Promise<T> {
    this.#assertOpen();
    assertTenantId(id);
    const tenant = await this.catalog.find(id);
    this.#assertOpen();
    if (tenant === undefined) {
      throw new TenantNotFoundError(id);
    }
    if (tenant.id !== id) {
      throw new TenancyConfigurationError(
        `The catalog was asked for tenant "${id}" and gave another one. Compare ids exactly, without a collation that ` +
          'ignores case.',
        { tenantId: id },
      );
    }
    return tenant;
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) {
      throw new ManagerClosedError();
    }
  }

  #reportSharing(): void {
    const reason = this.#template.notSharedBecause;
    if (reason !== undefined && this.#options.shareMetadata) {
      // Listeners can only be added once `init` has returned.
      setImmediate(() => this.events.emit('metadata:not-shared', { reason }));
      this.#options.warn(
        `Tenants cannot share their metadata (${reason}), so that each discovers its own: opening one is slower and ` +
          'takes more memory. Please report this with your entities.',
      );
    }
  }
}
