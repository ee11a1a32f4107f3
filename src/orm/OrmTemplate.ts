import type { CacheAdapter } from '@mikro-orm/core';
import { MikroORM, type Options, EntityManager as PostgreSqlEntityManager } from '@mikro-orm/postgresql';
import { PostgresDialect, type PostgresPool } from 'kysely';
import Cursor from 'pg-cursor';
import type { EntityOwner } from '../context/OwnerGuard.ts';
import { messageOf, NoTenantError, TenancyConfigurationError } from '../errors.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { serverOf } from '../tenant/Tenant.ts';
import { guardedEntityManager } from './guardedEntityManager.ts';
import { SafeHydrator } from './SafeHydrator.ts';
import { selfTest } from './selfTest.ts';
import { DEFAULT_DRIVER, type SharedServices, standIn, tenantDriver } from './TenantDriver.ts';
import { TenantMikroORM } from './TenantMikroORM.ts';
import { checkOrmOptions, type TenantOrmOptions } from './TenantOrmOptions.ts';
import { TenantResultCache } from './TenantResultCache.ts';

/** What an ORM needs of its pool. */
export interface OrmPool extends PostgresPool {
  /** Throws `TenantClosedError` once the pool has ended. */
  assertOpen(): void;
}

export interface OpenOrmOptions {
  readonly tenant: Tenant;
  readonly pool: OrmPool;
  readonly owner: EntityOwner;
  /** Unlike that of any other open ORM of the process; MikroORM finds request and transaction contexts by it. */
  readonly contextName: string;
}

/** Never connected to; MikroORM wants a name. */
const NO_DATABASE = 'tenancy_template';

/**
 * The metadata of all tenants, discovered once by an ORM that never connects. Each tenant's ORM shares its metadata,
 * hydrator and comparator; where that is found not to work, each discovers its own.
 */
export class OrmTemplate {
  readonly orm: MikroORM;
  readonly #options: Options;
  readonly #resultCache: CacheAdapter | undefined;
  /** Why the metadata is not shared, or `undefined` when it is. */
  readonly notSharedBecause: string | undefined;

  private constructor(
    orm: MikroORM,
    options: Options,
    resultCache: CacheAdapter | undefined,
    notSharedBecause: string | undefined,
  ) {
    this.orm = orm;
    this.#options = options;
    this.#resultCache = resultCache;
    this.notSharedBecause = notSharedBecause;
  }

  /** Checks the options, discovers the metadata, and finds out whether it can be shared. */
  static async build(options: TenantOrmOptions, shareMetadata: boolean): Promise<OrmTemplate> {
    checkOrmOptions(options);
    const shared: SharedServices = { comparator: undefined };
    const common = commonOptions(options, shared);
    const orm = await discover(common);
    const resultCache = sharedResultCache(orm, options);
    // What discovery loaded (migrator, seeder) is handed to each tenant's ORM, which is built synchronously.
    common.extensions = [...orm.config.get('extensions')];
    let reason = shareMetadata ? undefined : '`shareMetadata` is off';
    if (reason === undefined) {
      shared.comparator = orm.em.getComparator();
      const sharing = new OrmTemplate(orm, common, resultCache, undefined);
      reason = problemOf(() => selfTest(orm, (probe) => sharing.open(probe) as MikroORM));
      if (reason === undefined) {
        return sharing;
      }
      shared.comparator = undefined;
    }
    return new OrmTemplate(orm, common, resultCache, reason);
  }

  /** A real MikroORM for one tenant. Connects to nothing. */
  open(options: OpenOrmOptions): MikroORM | Promise<MikroORM> {
    const config = this.#tenantOptions(options);
    if (this.notSharedBecause !== undefined) {
      return MikroORM.init(config).then((orm) => own(orm as MikroORM, options.owner));
    }
    const metadata = this.orm.getMetadata();
    const orm = new TenantMikroORM(metadata, {
      ...config,
      entities: [],
      discovery: { ...this.#options.discovery, warnWhenNoEntities: false, skipSyncDiscovery: true },
      // The name is the key of MikroORM's service cache.
      hydrator: standIn('SharedTenantHydrator', this.orm.config.getHydrator(metadata)) as never,
    });
    return own(orm, options.owner);
  }

  async close(): Promise<void> {
    await this.#resultCache?.close?.();
  }

  #tenantOptions({ tenant, pool, contextName }: OpenOrmOptions): Options {
    const options: Options = {
      ...this.#options,
      // MikroORM changes these objects; none is shared between two ORMs.
      discovery: { ...this.#options.discovery },
      migrations: { ...this.#options.migrations },
      subscribers: [...(this.#options.subscribers ?? [])],
      dbName: tenant.database,
      contextName,
      driverOptions: () => {
        pool.assertOpen();
        return new PostgresDialect({ pool, cursor: Cursor });
      },
    };
    if (this.#resultCache !== undefined) {
      const cache = new TenantResultCache(this.#resultCache, tenant.id, serverOf(tenant), tenant.database);
      options.resultCache = { ...this.#options.resultCache, adapter: standIn('TenantResultCache', cache) as never };
    }
    return options;
  }
}

/** What every ORM of this manager has in common, the template included. */
function commonOptions(options: TenantOrmOptions, shared: SharedServices): Options {
  const Base = (options.entityManager ?? PostgreSqlEntityManager) as Parameters<typeof guardedEntityManager>[0];
  return {
    ...(options as Options),
    driver: tenantDriver((options.driver ?? DEFAULT_DRIVER) as typeof DEFAULT_DRIVER, shared) as never,
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

function own(orm: MikroORM, owner: EntityOwner): MikroORM {
  (orm.driver as unknown as { owner: EntityOwner | undefined }).owner = owner;
  return orm;
}
