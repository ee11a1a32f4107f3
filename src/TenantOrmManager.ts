import type { EntityManagerType } from '@mikro-orm/core';
import type { AbstractSqlDriver, EntityManager, SqlEntityManager } from '@mikro-orm/postgresql';
import type { TenantEntityType, TenantOf } from './catalog/CatalogTenant.ts';
import { type EachOptions, type EachResult, eachTenant } from './catalog/eachTenant.ts';
import type { TenantCatalog } from './catalog/TenantCatalog.ts';
import type { PlainTenant } from './catalog/TenantEntity.ts';
import { CentralDatabase } from './central/CentralDatabase.ts';
import { PostgresDatabases } from './connections/PostgresDatabases.ts';
import { PostgresServer, type PostgresServerStats } from './connections/PostgresServer.ts';
import type { OpenDatabases } from './connections/TenantDatabases.ts';
import { unlessAborted } from './connections/unlessAborted.ts';
import { CENTRAL, type CentralForks } from './context/centralContext.ts';
import { contextualEntityManager } from './context/contextualEntityManager.ts';
import { currentContext } from './context/TenantContext.ts';
import { assertCaptured, checkedSnapshot, snapshotOf, type TenantSnapshot } from './context/TenantSnapshot.ts';
import { ManagerClosedError, NoTenantError, TenancyConfigurationError, TenantNotFoundError } from './errors.ts';
import type { TenancyEmitter } from './events.ts';
import {
  type CentralManagerOptions,
  type CheckedManagerOptions,
  checkManagerOptions,
  type OtherManagerOptions,
  type TenantOrmManagerOptions,
} from './ManagerOptions.ts';
import type { FleetMigrator } from './migrations/fleet/FleetMigrator.ts';
import { requiredMigrations } from './migrations/gate/VersionGateOptions.ts';
import { TenantMigrations } from './migrations/TenantMigrations.ts';
import type { TenantMigrator } from './migrations/TenantMigrator.ts';
import { PublishedEvents } from './observability/PublishedEvents.ts';
import { TRACING, Tracing } from './observability/Tracing.ts';
import { assertDisjoint } from './orm/assertDisjoint.ts';
import { OpenTenants, type OpenTenantsStats } from './orm/OpenTenants.ts';
import { OrmTemplate } from './orm/OrmTemplate.ts';
import { OTHER_DATABASES } from './orm/OtherDatabases.ts';
import { reportSharing } from './orm/reportSharing.ts';
import type { RunOptions, TenantLease, TenantWork } from './orm/TenantLease.ts';
import type { EntityManagerOf, TenantEntities } from './orm/TenantOrmOptions.ts';
import { weightOf } from './orm/weightOf.ts';
import { buildProvisioner, type Provisioning } from './provisioning/buildProvisioner.ts';
import { credentialsOf } from './provisioning/roles/credentialsOf.ts';
import { TenantLife } from './provisioning/TenantLife.ts';
import type { TenantProvisioner } from './provisioning/TenantProvisioner.ts';
import { refusedFleet, refusedLife } from './refusedFor.ts';
import { RefusalCounts } from './resolution/RefusalCounts.ts';
import { DEFAULT_SERVER, type Tenant, type TenantStatus } from './tenant/Tenant.ts';
import { assertTenantId } from './tenant/tenantId.ts';
import { unavailabilityOf } from './tenant/unavailabilityOf.ts';

/** What {@link TenantOrmManager.stats} gives: figures of one moment. Plain data, without secrets. */
export interface TenantOrmManagerStats extends OpenTenantsStats {
  /** Connections by server. `requests` and `reserved` together never exceed the server's `maxConnections`. */
  readonly servers: Readonly<Record<string, PostgresServerStats>>;
  /** Requests that got no tenant, by the code of the error, as `TENANT_NOT_FOUND` and `TENANT_AMBIGUOUS`. */
  readonly refused: Readonly<Record<string, number>>;
  /** Connections of the central database, if there is one. Its session for changes is one more. */
  readonly central?: PostgresServerStats;
}

/** Options of {@link TenantOrmManager.acquire}. */
export interface AcquireOptions {
  /** Aborts waiting for the tenant. */
  readonly signal?: AbortSignal | undefined;
  /** Statuses beside `active` and `readonly` in which the tenant is taken as well, each by its name. @default [] */
  readonly allow?: readonly TenantStatus[] | undefined;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * One MikroORM per tenant database, one forked EntityManager per run. Opens tenants when they are needed, keeps them
 * while they are used, and closes the least recently used.
 */
export class TenantOrmManager<
  T extends Tenant = Tenant,
  EM extends SqlEntityManager = EntityManager,
> extends TenantLife<T> {
  /** Stands for the current tenant's EntityManager; throws `NoTenantError` outside a tenant. */
  readonly em: EM;
  readonly events: TenancyEmitter;
  readonly catalog: TenantCatalog<T>;
  /** Migrations of all tenants, or of some, as runs that are written down. */
  readonly fleet: FleetMigrator<T>;
  protected readonly life: TenantProvisioner<T>;
  readonly #provisioning: Provisioning<T> | undefined;
  readonly #template: OrmTemplate;
  readonly #central: CentralDatabase<T> | undefined;
  readonly #servers: ReadonlyMap<string, PostgresServer>;
  /** Of another kind than PostgreSQL; then there are no servers. */
  readonly #databases: OpenDatabases | undefined;
  readonly #open: OpenTenants<T>;
  readonly #refusals: RefusalCounts;
  readonly #migrations: TenantMigrations<T>;
  /** @internal Who watches runs and acquisitions. */
  readonly [TRACING] = new Tracing();
  #closed: Promise<void> | undefined;

  /** Checks the options and discovers the metadata once. Connects to nothing. */
  static async init<
    T extends Tenant,
    EM extends EntityManager = EntityManager,
    Entities extends TenantEntities = TenantEntities,
  >(options: TenantOrmManagerOptions<T, EM, Entities>): Promise<TenantOrmManager<T, EntityManagerOf<EM, Entities>>>;
  /** The same, with the tenants of the central database. */
  static async init<
    C extends TenantEntityType = typeof PlainTenant,
    EM extends EntityManager = EntityManager,
    Entities extends TenantEntities = TenantEntities,
  >(
    options: CentralManagerOptions<C, EM, Entities>,
  ): Promise<TenantOrmManager<TenantOf<C>, EntityManagerOf<EM, Entities>>>;
  /** The same, with databases of another kind than PostgreSQL. */
  static async init<
    T extends Tenant,
    D extends AbstractSqlDriver,
    EM extends SqlEntityManager<D> & D[typeof EntityManagerType] = SqlEntityManager<D> & D[typeof EntityManagerType],
    Entities extends TenantEntities = TenantEntities,
  >(options: OtherManagerOptions<T, D, EM, Entities>): Promise<TenantOrmManager<T, EntityManagerOf<EM, Entities>>>;
  static async init(options: object): Promise<unknown> {
    const checked = checkManagerOptions(options as TenantOrmManagerOptions);
    const events = new PublishedEvents();
    const kind = checked.databases?.[OTHER_DATABASES].orm;
    const template = await OrmTemplate.build(checked.orm, checked.shareMetadata, kind);
    const { central: centralOptions, ...rest } = checked;
    const central =
      centralOptions && (await CentralDatabase.build<Tenant>({ ...rest, options: centralOptions, events }));
    if (central !== undefined) {
      assertDisjoint(template.orm, central.orm);
    }
    const required = checked.versionGate && (await requiredMigrations(template.orm, checked.versionGate));
    return new TenantOrmManager(checked, { template, central, events, required });
  }

  private constructor(
    options: CheckedManagerOptions<T>,
    {
      template,
      central,
      events,
      required,
    }: {
      readonly template: OrmTemplate;
      readonly central: CentralDatabase<T> | undefined;
      readonly events: TenancyEmitter;
      readonly required: readonly string[] | undefined;
    },
  ) {
    super();
    this.#template = template;
    this.#central = central;
    this.catalog = options.catalog ?? this.central.catalog;
    this.events = events;
    this.#refusals = new RefusalCounts(events);
    this.em = contextualEntityManager(template.orm.em as SqlEntityManager as EM, this);
    const { sqlComment } = options;
    this.#servers = new Map(
      [...options.servers].map(([name, of]) => [name, new PostgresServer(name, of, this.events, { sqlComment })]),
    );
    const roles = options.roles && { options: options.roles, credentials: credentialsOf(options.roles, central) };
    this.#databases = options.databases?.[OTHER_DATABASES].open(events, template.orm.config.getPlatform());
    const postgres = new PostgresDatabases(this.#servers, roles && ((id) => roles.credentials.sourceOf(id)));
    const databases = this.#databases ?? postgres;
    this.#open = new OpenTenants({
      template,
      databases,
      events: this.events,
      limits: options,
      weightOf: (tenant) => weightOf(tenant as T, options.weight),
      manager: this,
    });
    this.#migrations = new TenantMigrations<T>({
      template,
      events,
      servers: this.#servers,
      catalog: this.catalog,
      ledger: central?.ledger,
      find: (id) => this.#find(id),
      placeFor: (tenant, purpose) => ({
        ...this.#open.placeFor(tenant, purpose),
        server: databases.serverOf(tenant),
      }),
      serverOf: (tenant) => postgres.serverOf(tenant),
      assertOpen: () => this.#assertOpen(),
      lockTimeoutMs: options.migrationLockTimeoutMs,
      gate: options.versionGate && required && { options: options.versionGate, required },
    });
    reportSharing(template, options, events);
    if (options.databases !== undefined) {
      const { kind } = options.databases;
      this.fleet = refusedFleet(kind);
      this.life = refusedLife(kind);
      return;
    }
    this.fleet = this.#migrations.fleet;
    this.#provisioning = buildProvisioner<T>({
      ...{
        roles,
        central,
        template,
        events,
        catalog: this.catalog,
        servers: this.#servers,
        migrations: this.#migrations,
      },
      options: options.provisioning,
      lockTimeoutMs: options.migrationLockTimeoutMs,
      asTenant: (tenant, work) => this.#asTenant(tenant, work as unknown as TenantWork<never, T, EM>),
      evict: (id, timeoutMs) => this.#open.close(id, 'unavailable', timeoutMs),
      assertOpen: () => this.#assertOpen(),
    });
    this.life = this.#provisioning.provisioner;
    central?.onChange((ids) => this.#open.reconsider(ids, (id) => this.catalog.find(id)));
  }

  /** Whether {@link close} was called: no work is taken any more. */
  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  get hasCentral(): boolean {
    return this.#central !== undefined;
  }

  /** The central database. Throws `TenancyConfigurationError` where none is configured. */
  get central(): CentralDatabase<T> {
    if (this.#central === undefined) {
      throw new TenancyConfigurationError(
        'This TenantOrmManager has no central database. Give `central: { database, … }` to `TenantOrmManager.init`.',
      );
    }
    return this.#central;
  }

  /** @internal How each run gets at the central database. */
  get [CENTRAL](): CentralForks | undefined {
    return this.#central?.forks;
  }

  /**
   * Holds the tenant open until the lease is released. Rejects with `TenantNotFoundError`, `TenantUnavailableError`,
   * `TenantOpenError`, `TenantBehindError` or `ManagerClosedError`.
   */
  acquire(id: string, options: AcquireOptions = {}): Promise<TenantLease<T, EM>> {
    return this[TRACING].isWatched('acquire')
      ? this[TRACING].trace('acquire', id, () => this.#acquire(id, options))
      : this.#acquire(id, options);
  }

  async #acquire(id: string, options: AcquireOptions): Promise<TenantLease<T, EM>> {
    const { signal, allow } = options;
    signal?.throwIfAborted();
    const tenant = await (signal === undefined ? this.#find(id) : unlessAborted(this.#find(id), signal));
    const unavailable = unavailabilityOf(tenant, allow);
    if (unavailable !== undefined) {
      throw unavailable;
    }
    const handle = this.#open.get(tenant);
    if (handle.isOpening) {
      await unlessAborted(handle.opened(), signal);
    }
    if (!handle.isOpen) {
      // Between two awaits an eviction came first.
      return this.#acquire(id, options);
    }
    // `EM` was inferred from the options of the template.
    const lease = handle.lease(tenant) as unknown as TenantLease<T, EM>;
    const { gate } = this.#migrations;
    if (gate === undefined || gate.isPassed(handle)) {
      return lease;
    }
    try {
      await unlessAborted(gate.pass(handle), signal);
    } finally {
      lease.release();
    }
    // The tenant may have been suspended or moved meanwhile.
    return this.#acquire(id, options);
  }

  /**
   * Runs `work` as the tenant, on a fork of its own, and releases the tenant whatever happens. `of` is its id, or what
   * {@link capture} gave: then it rejects with `TenantReplacedError` when the id is another tenant's by now.
   */
  async run<R>(
    of: string | TenantSnapshot,
    work: TenantWork<R, T, EM>,
    options: RunOptions & AcquireOptions = {},
  ): Promise<R> {
    const snapshot = typeof of === 'object' ? checkedSnapshot(of) : undefined;
    const lease = await this.acquire(snapshot?.tenantId ?? (of as string), options);
    try {
      if (snapshot !== undefined) {
        assertCaptured(snapshot, lease.tenant);
      }
      return await lease.run(work, options);
    } finally {
      lease.release();
    }
  }

  /**
   * Runs `work` for each tenant. One failure does not stop the others; there is a result for each. Rejects before the first
   * where the catalogue cannot say who they are.
   */
  async each<R>(work: TenantWork<R, T, EM>, options: EachOptions<T> = {}): Promise<EachResult<R>[]> {
    const { allow = [] } = options;
    return eachTenant(this.catalog, (id) => this.run(id, work, { allow }), options);
  }

  /** The tenant of this async context, or `undefined`. */
  current(): T | undefined {
    const context = currentContext();
    return context?.manager === this ? (context.tenant as T) : undefined;
  }

  /** The tenant of this async context. Throws `NoTenantError` when there is none. */
  requireTenant(): T {
    return this.#currentOr('manager.requireTenant()');
  }

  /**
   * The tenant of this async context as JSON, for a queue or another process, where {@link run} takes it. Throws
   * `NoTenantError` when there is none.
   */
  capture(): TenantSnapshot {
    return snapshotOf(this.#currentOr('manager.capture()'));
  }

  /** MikroORM's migrator for one tenant, under a lock and on connections that requests cannot starve. */
  migrator(id: string): TenantMigrator {
    assertTenantId(id);
    return this.#migrations.of(id);
  }

  /** What is open and in use now; with `tenants`, the connections of each tenant as well. */
  stats(options: { readonly tenants?: boolean | undefined } = {}): TenantOrmManagerStats {
    const named: Iterable<[string, Pick<PostgresServer, 'stats'>]> =
      this.#databases === undefined ? this.#servers : [[DEFAULT_SERVER, this.#databases]];
    const servers = Object.fromEntries([...named].map(([name, server]) => [name, server.stats(options)]));
    const central = this.#central === undefined ? {} : { central: this.#central.stats() };
    return { ...this.#open.stats(), servers, ...central, refused: this.#refusals.stats() };
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
    const startedAt = performance.now();
    await Promise.all([
      this.#provisioning?.close(timeoutMs),
      this.#open.closeAll('manager closed', timeoutMs),
      this.#migrations.close(timeoutMs),
    ]);
    // Last: work of tenants that is still under way may need it.
    await this.#central?.close(Math.max(0, timeoutMs - (performance.now() - startedAt)));
    for (const server of this.#servers.values()) {
      server.stop();
    }
    this.#databases?.stop();
    await this.#template.close();
  }

  /** Whatever the tenant's status is, and also where the catalogue does not know it. */
  async #asTenant<R>(tenant: T, work: TenantWork<R, T, EM>): Promise<R> {
    this.#assertOpen();
    const handle = await this.#open.get(tenant).opened();
    const lease = handle.lease(tenant) as unknown as TenantLease<T, EM>;
    try {
      return await lease.run(work);
    } finally {
      lease.release();
    }
  }

  #currentOr(what: string): T {
    const tenant = this.current();
    if (tenant === undefined) {
      throw new NoTenantError(what);
    }
    return tenant;
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
}
