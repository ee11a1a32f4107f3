import type {
  AnyEntity,
  Options as AnyOptions,
  EntityClass,
  EntityManagerType,
  EntitySchema,
  EventSubscriber,
} from '@mikro-orm/core';
import type { AbstractSqlDriver, EntityManager, Options, SqlEntityManager } from '@mikro-orm/postgresql';
import { TenancyConfigurationError } from '../errors.ts';

/** Options of MikroORM that would choose a database or a context, with what to use instead. */
const REFUSED = {
  clientUrl: 'name the server in `server` or `servers`',
  dbName: 'each tenant brings its own; put it into the catalog',
  host: 'name the server in `server` or `servers`',
  port: 'name the server in `server` or `servers`',
  user: 'name the server in `server` or `servers`',
  password: 'name the server in `server` or `servers`',
  name: 'each tenant brings its own',
  contextName: 'each tenant has its own',
  context: 'the tenant is found by `manager.run` and the middleware',
  driverOptions: 'connections belong to the budget of the server',
  replicas: 'name them in `replicas` of the server',
  onCreateConnection: 'an exception in it leaks the connection',
  onReserveConnection: 'an exception in it leaks the connection',
  preferEnvVars: 'an environment variable would beat the tenant',
  hydrator: 'tenants share one that survives exceptions',
} as const;

type RefusedOption = keyof typeof REFUSED;

/** What `orm.entities` takes. */
export type TenantEntities = readonly (string | EntityClass<AnyEntity> | EntitySchema)[];

/** An EntityManager that knows its entities, as MikroORM's own types do: `em.getKysely()` has typed tables. */
export type EntityManagerOf<EM extends SqlEntityManager, Entities extends TenantEntities> = EM & {
  '~entities'?: Entities;
};

/** Options of MikroORM for every tenant alike: entities, migrations, filters, and so on; never a database. */
export type TenantOrmOptions<
  EM extends EntityManager = EntityManager,
  Entities extends TenantEntities = (string | EntityClass<AnyEntity> | EntitySchema)[],
> = Omit<Options<EM, Entities>, RefusedOption | 'subscribers' | 'allowGlobalContext' | 'ensureDatabase' | 'connect'> & {
  /** Classes; each tenant gets its own instance, so that nothing of one tenant stays in another's subscriber. */
  readonly subscribers?: readonly (new () => EventSubscriber)[];
};

/** The same for tenants whose databases MikroORM reaches by another driver than PostgreSQL's. */
export type OtherOrmOptions<
  D extends AbstractSqlDriver,
  EM extends SqlEntityManager<D> & D[typeof EntityManagerType] = SqlEntityManager<D> & D[typeof EntityManagerType],
  Entities extends TenantEntities = TenantEntities,
> = Omit<
  Partial<AnyOptions<D, EM, Entities>>,
  RefusedOption | 'subscribers' | 'allowGlobalContext' | 'ensureDatabase' | 'connect' | 'pool' | 'attachDatabases'
> &
  Pick<TenantOrmOptions, 'subscribers'>;

/** Throws {@link TenancyConfigurationError} for an option that could lead to another tenant's data. */
export function checkOrmOptions(options: TenantOrmOptions): void {
  const given = options as Readonly<Record<string, unknown>>;
  for (const [option, instead] of Object.entries(REFUSED)) {
    if (given[option] !== undefined) {
      throw new TenancyConfigurationError(`\`orm.${option}\` cannot be set for tenants: ${instead}.`);
    }
  }
  // `ensureDatabase` may be an object, which means on as well.
  if (given['allowGlobalContext'] || given['ensureDatabase']) {
    throw new TenancyConfigurationError(
      '`orm.allowGlobalContext` and `orm.ensureDatabase` are off for tenants: the one shares an identity map between ' +
        'requests, the other creates databases on the way. Leave them out.',
    );
  }
  if (given['sessionContext'] === 'connection') {
    throw new TenancyConfigurationError("`orm.sessionContext` must be 'transaction' for tenants; leave it out.");
  }
  for (const subscriber of options.subscribers ?? []) {
    if (typeof subscriber !== 'function') {
      throw new TenancyConfigurationError(
        '`orm.subscribers` takes classes, not instances: one instance would see the entities of every tenant.',
      );
    }
  }
}
