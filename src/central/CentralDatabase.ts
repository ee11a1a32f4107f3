import { randomBytes } from 'node:crypto';
import type { ForkOptions, MigrationInfo } from '@mikro-orm/core';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { CachedCatalog } from '../catalog/CachedCatalog.ts';
import { type CatalogDatabase, DatabaseCatalog } from '../catalog/DatabaseCatalog.ts';
import { DatabaseTenantStore } from '../catalog/DatabaseTenantStore.ts';
import type { TenantCatalog } from '../catalog/TenantCatalog.ts';
import { TenantRules } from '../catalog/TenantRules.ts';
import type { NewTenant, TenantStore } from '../catalog/TenantStore.ts';
import { systemClock } from '../connections/Clock.ts';
import { PostgresServer, type PostgresServerStats } from '../connections/PostgresServer.ts';
import { NO_SESSION } from '../connections/SessionSettings.ts';
import { TenantPool } from '../connections/TenantPool.ts';
import { type CentralForks, enterCentralContext } from '../context/centralContext.ts';
import type { EntityOwner } from '../context/OwnerGuard.ts';
import { currentContext } from '../context/TenantContext.ts';
import { ManagerClosedError } from '../errors.ts';
import type { TenancyEmitter } from '../events.ts';
import { DatabaseFleetLedger } from '../migrations/fleet/DatabaseFleetLedger.ts';
import type { FleetLedger } from '../migrations/fleet/RunLedger.ts';
import type { TenantMigrator } from '../migrations/TenantMigrator.ts';
import { OrmTemplate } from '../orm/OrmTemplate.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { CatalogSession } from './CatalogSession.ts';
import { type CentralMigrateOptions, CentralMigrations } from './CentralMigrations.ts';
import type { CheckedCentralOptions } from './CentralOptions.ts';
import { centralOrmOptions } from './centralOrmOptions.ts';
import { CATALOG_ID, CENTRAL_ID, CENTRAL_LABEL } from './names.ts';

/** How long statements under way may go on when the manager closes. */
const GRACE_MS = 5_000;

/** Options of {@link CentralDatabase.run} and of its forks. */
export interface CentralRunOptions {
  /** MikroORM's own options of the fork. */
  readonly fork?: Omit<ForkOptions, 'useContext' | 'disableContextResolution' | 'signal'>;
  readonly signal?: AbortSignal | undefined;
}

export interface CentralParts {
  readonly options: CheckedCentralOptions;
  readonly events: TenancyEmitter;
  readonly migrationLockTimeoutMs: number;
  readonly shareMetadata: boolean;
}

/**
 * The central database: the catalogue of tenants and what they share, by one MikroORM with connections of its own.
 * Connects to nothing before it is used.
 */
export class CentralDatabase<T extends Tenant = Tenant> {
  readonly #store: DatabaseTenantStore<T>;
  /** The tenants, as this process knows them: cached, and told of changes. */
  readonly catalog: TenantCatalog<T>;
  readonly template: OrmTemplate;
  /** The name of the database. */
  readonly database: string;
  /** The runs over the tenants. @internal */
  readonly ledger: FleetLedger;
  /** @internal */
  readonly forks: CentralForks;
  readonly #orm: MikroORM;
  readonly #cached: CachedCatalog<T>;
  readonly #uncached: DatabaseCatalog<T>;
  readonly #catalogFork: () => EntityManager;
  readonly #server: PostgresServer;
  readonly #pools: readonly TenantPool[];
  readonly #migrations: CentralMigrations;
  #isClosed = false;
  #changed: (tenantIds: readonly string[]) => void = () => {};

  static async build<T extends Tenant>(parts: CentralParts): Promise<CentralDatabase<T>> {
    const { options, events, shareMetadata } = parts;
    const template = await OrmTemplate.build(centralOrmOptions(options), shareMetadata);
    // The catalogue's session is one of the connections, and no budget counts it.
    const limits = { ...options.server, maxConnections: options.server.maxConnections - 1 };
    const server = new PostgresServer('central', limits, events);
    const serial = randomBytes(4).toString('hex');
    const owner: EntityOwner = {
      tenantId: CENTRAL_ID,
      label: CENTRAL_LABEL,
      refused: (entity, { tenantId: ownerTenantId }) => {
        const tenantId = currentContext()?.tenant.id ?? CENTRAL_ID;
        events.emit('tenant:wrong-entity', { tenantId, entity, ownerTenantId });
      },
    };
    const pools: TenantPool[] = [];
    const open = async (id: string): Promise<MikroORM> => {
      const { database } = options;
      const account = server.requests({ tenantId: id, database, session: NO_SESSION, weight: 1 });
      const pool = new TenantPool(account, { graceMs: () => GRACE_MS, caller: () => currentContext()?.caller });
      pools.push(pool);
      const tenant = { id, database: options.database, server: CENTRAL_ID };
      // A name of this manager alone: two of them in one process would find each other's forks by an equal one.
      return template.open({ tenant, pool, owner, contextName: `${id}@${serial}` });
    };
    // The catalogue has an account of its own, so that an application's work cannot keep a request from its tenant.
    const orms = { application: await open(CENTRAL_ID), catalog: await open(CATALOG_ID) };
    return new CentralDatabase<T>(parts, { template, server, owner, pools, ...orms });
  }

  private constructor(
    { options, events, migrationLockTimeoutMs }: CentralParts,
    built: {
      readonly template: OrmTemplate;
      readonly server: PostgresServer;
      readonly owner: EntityOwner;
      readonly pools: readonly TenantPool[];
      readonly application: MikroORM;
      readonly catalog: MikroORM;
    },
  ) {
    const { template, server, pools, owner } = built;
    this.template = template;
    this.database = options.database;
    this.#orm = built.application;
    this.forks = { name: this.#orm.em.name, fork: () => this.fork() };
    this.#server = server;
    this.#pools = pools;
    this.#migrations = new CentralMigrations({ options, template, server, owner, events, migrationLockTimeoutMs });
    const database: CatalogDatabase = {
      tenant: options.tenantClass,
      fork: () => built.catalog.em.fork({ disableContextResolution: true }),
    };
    this.#catalogFork = database.fork as () => EntityManager;
    const session = new CatalogSession({
      server: options.server,
      database: options.database,
      notify: options.cache.notify,
    });
    this.#uncached = new DatabaseCatalog<T>(database);
    this.#cached = new CachedCatalog<T>(this.#uncached, {
      ...options.cache,
      changes: session,
      clock: systemClock,
      onChange: (tenantIds) => {
        // Not by an event, which an application might leave without listeners.
        this.#changed(tenantIds);
        events.emit('catalog:changed', { tenantIds });
      },
      onFailure: (error) => events.emit('catalog:failed', { error }),
    });
    this.ledger = new DatabaseFleetLedger((text, parameters) => this.sql(text, parameters));
    this.catalog = this.#cached;
    this.#store = new DatabaseTenantStore<T>({
      database,
      rules: new TenantRules(options.rules, options.database),
      changed: (ids) => this.#cached.refresh(ids),
    });
  }

  /** The tenants, for writing. */
  get tenants(): TenantStore<T> {
    return this.#store;
  }

  /** A new tenant in the transaction of {@link change}. @internal */
  insert(tenant: NewTenant<T>, em: EntityManager): Promise<void> {
    return this.#store.insert(tenant, em);
  }

  /** One statement on the catalogue's connections, with `?` for its parameters. @internal */
  sql<R extends object>(text: string, parameters: readonly unknown[], em = this.#catalogFork()): Promise<R[]> {
    return em.getConnection().execute(text, [...parameters], 'all', em.getTransactionContext());
  }

  /** The tenant as the database has it now, whatever the cache knows. @internal */
  async read(id: string): Promise<T | undefined> {
    return this.#uncached.find(id);
  }

  /**
   * One transaction, in which tenants and what is written down of them change together. This process hears of the
   * tenants `ids` before the caller goes on.
   * @internal
   */
  async change<R>(ids: readonly string[], work: (em: EntityManager) => Promise<R>): Promise<R> {
    const result = await this.#catalogFork().transactional((em) => work(em as EntityManager));
    await this.#cached.refresh(ids);
    return result;
  }

  /** Has `changed` called for tenants that changed, before the event. @internal */
  onChange(changed: (tenantIds: readonly string[]) => void): void {
    this.#changed = changed;
  }

  /** The central MikroORM. Use a fork of its `em`, or `run`. */
  get orm(): MikroORM {
    return this.#orm;
  }

  /** A fork with an identity map of its own, in no context. */
  fork(options: CentralRunOptions = {}): EntityManager {
    if (this.#isClosed) {
      throw new ManagerClosedError();
    }
    return this.#orm.em.fork({
      cloneEventManager: true,
      ...options.fork,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      useContext: true,
      disableContextResolution: true,
    }) as EntityManager;
  }

  /**
   * Runs `work` with a fork of the central database, which `RequestContext.getEntityManager('central')` then gives. A
   * tenant around it stays the current one; none is needed.
   */
  async run<R>(work: (em: EntityManager) => R | Promise<R>, options: CentralRunOptions = {}): Promise<R> {
    const em = this.fork(options);
    return enterCentralContext(em, () => work(em));
  }

  /**
   * Applies the pending migrations of the catalogue, then those of `central.orm.migrations`, each once however many
   * processes call. Returns those that this call applied. A missing database is an error unless `createDatabase` is on.
   */
  async migrate(options: CentralMigrateOptions = {}): Promise<MigrationInfo[]> {
    return this.#migrations.migrate(options);
  }

  /**
   * Resolves if the catalogue can be answered from: the central database was read within `cache.staleOnErrorMs`, or can
   * be read now. Rejects with `CatalogUnavailableError` or `ManagerClosedError` otherwise.
   */
  async assertUsable(): Promise<void> {
    if (this.#isClosed) {
      throw new ManagerClosedError();
    }
    await this.#cached.assertUsable();
  }

  /** The names of the migrations that `migrate` would apply. Changes nothing. */
  async pending(): Promise<string[]> {
    return this.#migrations.pending();
  }

  /** MikroORM's migrator for the application's own migrations of the central database. */
  get migrator(): TenantMigrator {
    return this.#migrations.own;
  }

  stats(): PostgresServerStats {
    return this.#server.stats();
  }

  /** Ends the catalogue's session and every connection; statements under way have `timeoutMs`. Never hangs. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true;
    // Together: what a poll asks for ends with the pools.
    await Promise.all([
      this.#cached.close(),
      this.#migrations.close(timeoutMs),
      ...this.#pools.map((pool) => pool.close('manager closed', timeoutMs)),
    ]);
    this.#server.stop();
    await this.template.close();
  }
}
