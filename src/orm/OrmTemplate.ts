import { type CacheAdapter, type EntityComparator, NullCacheAdapter } from '@mikro-orm/core';
import { MikroORM, type Options } from '@mikro-orm/postgresql';
import type { Dialect } from 'kysely';
import type { EntityOwner } from '../context/OwnerGuard.ts';
import { messageOf, NoTenantError, TenancyConfigurationError } from '../errors.ts';
import { loggersFor } from '../observability/tenantLogger.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { isTenantId } from '../tenant/tenantId.ts';
import { assertConnectsThroughPool } from './assertConnectsThroughPool.ts';
import { guardedEntityManager } from './guardedEntityManager.ts';
import { type OrmKind, type OrmPool, POSTGRESQL } from './OrmKind.ts';
import { SafeHydrator } from './SafeHydrator.ts';
import { expectApart, expectShared, PROBES } from './selfTest.ts';
import { type DriverClass, standIn, tenantDriver } from './TenantDriver.ts';
import { TenantMikroORM } from './TenantMikroORM.ts';
import { checkOrmOptions, type TenantOrmOptions } from './TenantOrmOptions.ts';
import { TenantResultCache } from './TenantResultCache.ts';

export interface OpenOrmOptions {
  readonly tenant: Tenant;
  readonly pool: OrmPool;
  /** One for each read replica. @default none */
  readonly replicas?: readonly OrmPool[];
  readonly owner: EntityOwner;
  /** Unlike that of any other open ORM of the process; MikroORM finds request and transaction contexts by it. */
  readonly contextName: string;
}

interface TemplateParts {
  readonly orm: MikroORM;
  readonly options: Options;
  readonly resultCache: CacheAdapter | undefined;
  readonly kind: OrmKind;
}

/** Never connected to; MikroORM wants a name. */
const NO_DATABASE = 'tenancy_template';

/** For ORMs that discover nothing. MikroORM looks for the adapter's package only where it discovers. */
const NO_METADATA_CACHE: NonNullable<Options['metadataCache']> = { enabled: false, adapter: NullCacheAdapter };

/**
 * The metadata of all tenants, discovered once by an ORM that never connects. Each tenant's ORM shares its metadata,
 * hydrator and comparator; where that is found not to work, each discovers its own.
 */
export class OrmTemplate {
  readonly orm: MikroORM;
  readonly #options: Options;
  /** What the ORMs that share the metadata have in common. MikroORM's constructor copies what it changes of these. */
  readonly #sharing: Options;
  readonly #Comparator: new () => EntityComparator;
  readonly #resultCache: CacheAdapter | undefined;
  readonly #kind: OrmKind;
  /** Why the metadata is not shared, or `undefined` when it is. */
  readonly notSharedBecause: string | undefined;

  private constructor({ orm, options, resultCache, kind }: TemplateParts, notSharedBecause: string | undefined) {
    this.orm = orm;
    this.#kind = kind;
    this.#options = options;
    this.#sharing = {
      ...options,
      entities: [],
      metadataCache: NO_METADATA_CACHE,
      discovery: { ...options.discovery, warnWhenNoEntities: false, skipSyncDiscovery: true },
      // The name is the key of MikroORM's service cache.
      hydrator: standIn('SharedTenantHydrator', orm.config.getHydrator(orm.getMetadata())) as never,
    };
    this.#Comparator = standIn('EntityComparator', orm.em.getComparator());
    this.#resultCache = resultCache;
    this.notSharedBecause = notSharedBecause;
  }

  /** Checks the options, discovers the metadata, and finds out whether it can be shared. */
  static async build(
    options: TenantOrmOptions,
    shareMetadata: boolean,
    kind: OrmKind = POSTGRESQL,
  ): Promise<OrmTemplate> {
    checkOrmOptions(options);
    assertDriverOf(kind, options.driver);
    const common = commonOptions(options, kind);
    await assertConnectsThroughPool((pool) => ({
      ...common,
      metadataCache: NO_METADATA_CACHE,
      driverOptions: connectThrough(pool, kind),
    }));
    const orm = await discover(common);
    kind.assertOrm?.(orm);
    const resultCache = sharedResultCache(orm, options);
    // What discovery loaded (migrator, seeder) is handed to each tenant's ORM, which is built synchronously.
    common.extensions = [...orm.config.get('extensions')];
    const parts: TemplateParts = { orm, options: common, resultCache, kind };
    let reason = shareMetadata ? undefined : '`shareMetadata` is off';
    if (reason === undefined) {
      const sharing = new OrmTemplate(parts, undefined);
      reason = problemOf(() => expectShared(orm, (probe) => sharing.open(probe) as MikroORM));
      if (reason === undefined) {
        return sharing;
      }
    }
    const stock = new OrmTemplate(parts, reason);
    await stock.#assertTenantsApart();
    return stock;
  }

  /** What keeps tenants apart without shared metadata has no fallback. */
  async #assertTenantsApart(): Promise<void> {
    const [a, b] = [await this.open(PROBES[0]), await this.open(PROBES[1])];
    const problem = problemOf(() => expectApart([a, b]));
    if (problem !== undefined) {
      throw new TenancyConfigurationError(
        `Tenants would not be apart with \`orm.driver\` and \`orm.entityManager\`: ${problem}.`,
      );
    }
  }

  /** A real MikroORM for one tenant. Connects to nothing. */
  open(options: OpenOrmOptions): MikroORM | Promise<MikroORM> {
    const own = this.#tenantOptions(options);
    if (this.notSharedBecause === undefined) {
      return owned(
        new TenantMikroORM(this.orm.getMetadata(), this.#Comparator, { ...this.#sharing, ...own }),
        options.owner,
      );
    }
    // `MikroORM.init` changes its `discovery`; none is shared between two ORMs.
    const discovery = { ...this.#options.discovery };
    return MikroORM.init({ ...this.#options, discovery, ...own }).then((orm) => owned(orm as MikroORM, options.owner));
  }

  async close(): Promise<void> {
    await this.#resultCache?.close?.();
  }

  #tenantOptions({ tenant, pool, replicas = [], contextName }: OpenOrmOptions): Options {
    const options: Options = {
      dbName: tenant.database,
      contextName,
      driverOptions: connectThrough(pool, this.#kind),
      // The central database is of no tenant, and its lines say for whom they are.
      ...(isTenantId(tenant.id) ? loggersFor(tenant.id, this.#options) : {}),
    };
    if (replicas.length > 0) {
      options.replicas = replicas.map((replica, n) => ({
        name: `replica ${n + 1}`,
        driverOptions: connectThrough(replica, this.#kind),
      }));
    }
    if (this.#resultCache !== undefined) {
      const cache = new TenantResultCache(this.#resultCache, tenant);
      options.resultCache = { ...this.#options.resultCache, adapter: standIn('TenantResultCache', cache) as never };
    }
    return options;
  }
}

/** Of PostgreSQL, a driver of another family has always been the application's own affair. */
function assertDriverOf(kind: OrmKind, driver: unknown): void {
  const isOf = (Class: unknown): boolean =>
    Class === kind.driver || (typeof Class === 'function' && Class.prototype instanceof kind.driver);
  if (driver !== undefined && kind !== POSTGRESQL && !isOf(driver)) {
    throw new TenancyConfigurationError(
      `\`orm.driver\` is not that of ${kind.name}, of which the tenants' databases are. Leave it out, or extend ${kind.driver.name}.`,
    );
  }
}

function connectThrough(pool: OrmPool, kind: OrmKind): () => Dialect {
  return () => {
    pool.assertOpen();
    return kind.dialect(pool);
  };
}

/** What every ORM of this manager has in common, the template included. */
function commonOptions(options: TenantOrmOptions, kind: OrmKind): Options {
  const Base = (options.entityManager ?? kind.entityManager) as Parameters<typeof guardedEntityManager>[0];
  return {
    ...(options as Options),
    driver: tenantDriver((options.driver ?? kind.driver) as DriverClass) as never,
    entityManager: guardedEntityManager(Base) as never,
    hydrator: SafeHydrator,
    dbName: NO_DATABASE,
    allowGlobalContext: false,
    preferEnvVars: false,
    ensureDatabase: false,
    migrations: { ...options.migrations, snapshot: false, silent: true },
    driverOptions: () => {
      throw new NoTenantError('A query');
    },
  };
}

async function discover(common: Options): Promise<MikroORM> {
  try {
    const orm = await MikroORM.init({ ...common, discovery: { ...common.discovery }, subscribers: [] });
    return orm as MikroORM;
  } catch (error) {
    throw new TenancyConfigurationError(`The entities in \`orm\` were not accepted: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** The default adapter keeps everything in the ORM's own memory, and needs no sharing. */
function sharedResultCache(orm: MikroORM, options: TenantOrmOptions): CacheAdapter | undefined {
  return options.resultCache?.adapter === undefined ? undefined : orm.config.getResultCacheAdapter();
}

function problemOf(test: () => void): string | undefined {
  try {
    test();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function owned(orm: MikroORM, owner: EntityOwner): MikroORM {
  (orm.driver as unknown as { owner: EntityOwner | undefined }).owner = owner;
  return orm;
}
