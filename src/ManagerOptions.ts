import type { EntityManagerType } from '@mikro-orm/core';
import type { AbstractSqlDriver, EntityManager, SqlEntityManager } from '@mikro-orm/postgresql';
import { z } from 'zod';
import type { TenantEntityType, TenantOf } from './catalog/CatalogTenant.ts';
import type { TenantCatalog } from './catalog/TenantCatalog.ts';
import { type CentralOptions, type CheckedCentralOptions, checkCentralOptions } from './central/CentralOptions.ts';
import { LONGEST_DELAY_MS } from './connections/Clock.ts';
import { type CheckedServerOptions, checkServer, type ServerOptions } from './connections/ServerOptions.ts';
import type { SqlCommentOption } from './connections/SqlComment.ts';
import { withPool } from './connections/withPool.ts';
import { TenancyConfigurationError } from './errors.ts';
import {
  type CheckedVersionGate,
  type VersionGateOptions,
  versionGateShape,
} from './migrations/gate/VersionGateOptions.ts';
import { isOtherDatabases, type OtherDatabases } from './orm/OtherDatabases.ts';
import type { OtherOrmOptions, TenantEntities, TenantOrmOptions } from './orm/TenantOrmOptions.ts';
import {
  type CheckedProvisioning,
  checkProvisioning,
  type ProvisioningOptions,
} from './provisioning/ProvisioningOptions.ts';
import { type CheckedRoles, checkRoles, type RolesOptions } from './provisioning/roles/RolesOptions.ts';
import { refusalOf } from './refusedFor.ts';
import { DEFAULT_SERVER, type Tenant } from './tenant/Tenant.ts';

/** Options of {@link TenantOrmManager.init}. */
export interface TenantOrmManagerOptions<
  T extends Tenant = Tenant,
  EM extends EntityManager = EntityManager,
  Entities extends TenantEntities = TenantEntities,
> {
  /** MikroORM's options for every tenant alike; never a database. */
  readonly orm: TenantOrmOptions<EM, Entities>;
  /** The one PostgreSQL server, as a URL or with its options. Either this or `servers`. */
  readonly server?: string | ServerOptions | undefined;
  /** PostgreSQL servers by name; tenants name theirs in `server`. */
  readonly servers?: Readonly<Record<string, string | ServerOptions>> | undefined;
  /** Which tenants there are. Left out, those of the `central` database: see {@link CentralManagerOptions}. */
  readonly catalog: TenantCatalog<T>;
  /** The central database: the catalogue of tenants, and what they share. */
  readonly central?: CentralOptions<TenantEntityType> | undefined;
  /** How many tenants may be open at once, as handles; connections have a budget of their own. @default 2000 */
  readonly maxOpenTenants?: number | undefined;
  /** After how long a tenant without a lease is closed, in milliseconds. @default 1800000 (30 minutes) */
  readonly idleTimeoutMs?: number | undefined;
  /**
   * How many turns a tenant takes to another one's one where tenants wait for connections: a whole number of at least 1,
   * asked for when the tenant is opened. @default 1 for every tenant
   */
  readonly weight?: ((tenant: T) => number) | undefined;
  /** How long a migration waits for another process that migrates the same tenant. @default 60000 */
  readonly migrationLockTimeoutMs?: number | undefined;
  /** Which version of a tenant's schema the application needs. @default any is served */
  readonly versionGate?: VersionGateOptions | undefined;
  /** How tenants come into being, move and go. */
  readonly provisioning?: ProvisioningOptions<T> | undefined;
  /** A role of PostgreSQL for each tenant. @default all connect as the server's options say */
  readonly roles?: RolesOptions | undefined;
  /** Whether tenants share one discovered metadata. Off, each discovers its own: 60 times slower. @default true */
  readonly shareMetadata?: boolean | undefined;
  /**
   * Whether each statement on a tenant's connections ends with a comment in the format of sqlcommenter, as in
   * `tenant='acme'`; a function gives further fields, and is called for each statement. @default false
   */
  readonly sqlComment?: SqlCommentOption | undefined;
  /** Where warnings go. @default process.emitWarning */
  readonly warn?: ((message: string) => void) | undefined;
}

/** Options of a manager whose tenants' databases are of another kind than PostgreSQL. */
export interface OtherManagerOptions<
  T extends Tenant,
  D extends AbstractSqlDriver,
  EM extends SqlEntityManager<D> & D[typeof EntityManagerType] = SqlEntityManager<D> & D[typeof EntityManagerType],
  Entities extends TenantEntities = TenantEntities,
> extends Pick<
    TenantOrmManagerOptions<T>,
    | 'catalog'
    | 'idleTimeoutMs'
    | 'maxOpenTenants'
    | 'migrationLockTimeoutMs'
    | 'shareMetadata'
    | 'versionGate'
    | 'warn'
    | 'weight'
  > {
  /** Where the tenants' databases are, as `sqliteDatabases` gives it. */
  readonly databases: OtherDatabases<D>;
  /** MikroORM's options for every tenant alike; never a database. */
  readonly orm: OtherOrmOptions<D, EM, Entities>;
}

export interface CheckedManagerOptions<T extends Tenant> {
  readonly orm: TenantOrmOptions;
  /** Of another kind than PostgreSQL; then there are no `servers`. */
  readonly databases: OtherDatabases | undefined;
  readonly servers: ReadonlyMap<string, CheckedServerOptions>;
  readonly catalog: TenantCatalog<T> | undefined;
  readonly central: CheckedCentralOptions | undefined;
  readonly maxOpenTenants: number;
  readonly idleTimeoutMs: number;
  readonly migrationLockTimeoutMs: number;
  readonly shareMetadata: boolean;
  readonly weight: ((tenant: T) => number) | undefined;
  readonly versionGate: CheckedVersionGate | undefined;
  readonly provisioning: CheckedProvisioning<T>;
  readonly roles: CheckedRoles | undefined;
  readonly sqlComment: SqlCommentOption | undefined;
  readonly warn: (message: string) => void;
}

export const MANAGER_DEFAULTS = Object.freeze({
  maxOpenTenants: 2_000,
  idleTimeoutMs: 30 * 60_000,
  migrationLockTimeoutMs: 60_000,
  shareMetadata: true,
});

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
const isCatalog = (value: unknown): boolean =>
  isObject(value) &&
  ['find', 'findByDomain', 'list'].every((method) => typeof (value as Record<string, unknown>)[method] === 'function');

const shape = z.strictObject({
  orm: z.custom<TenantOrmOptions>(isObject, "MikroORM's options, an object"),
  databases: z.custom<OtherDatabases>(isOtherDatabases, 'what a function as `sqliteDatabases` gives').optional(),
  server: z.custom<string | ServerOptions>().optional(),
  servers: z.record(z.string().min(1), z.custom<string | ServerOptions>()).optional(),
  catalog: z.custom<TenantCatalog>(isCatalog, 'a catalogue with `find`, `findByDomain` and `list`').optional(),
  central: z.custom<CentralOptions>(isObject, 'options of the central database, an object').optional(),
  maxOpenTenants: z.int().min(1).default(MANAGER_DEFAULTS.maxOpenTenants),
  idleTimeoutMs: z.int().min(1).max(LONGEST_DELAY_MS).default(MANAGER_DEFAULTS.idleTimeoutMs),
  migrationLockTimeoutMs: z.int().min(0).default(MANAGER_DEFAULTS.migrationLockTimeoutMs),
  versionGate: versionGateShape.optional(),
  provisioning: z.custom<ProvisioningOptions>(isObject, 'options, an object').optional(),
  roles: z.custom<RolesOptions>(isObject, 'options, an object').optional(),
  shareMetadata: z.boolean().default(MANAGER_DEFAULTS.shareMetadata),
  weight: z.custom<(tenant: Tenant) => number>((value) => typeof value === 'function', 'a function').optional(),
  sqlComment: z
    .custom<SqlCommentOption>(
      (value) => typeof value === 'boolean' || typeof value === 'function',
      'a boolean, or a function that gives fields',
    )
    .optional(),
  warn: z.custom<(message: string) => void>((value) => typeof value === 'function', 'a function').optional(),
});

/** Options of a manager whose tenants are those of its central database, with the columns of `central.tenant`. */
export type CentralManagerOptions<
  C extends TenantEntityType,
  EM extends EntityManager = EntityManager,
  Entities extends TenantEntities = TenantEntities,
> = Omit<TenantOrmManagerOptions<Tenant, EM, Entities>, 'catalog' | 'central' | 'provisioning'> & {
  readonly catalog?: undefined;
  readonly central: CentralOptions<C>;
  readonly provisioning?: ProvisioningOptions<TenantOf<C>> | undefined;
};

/** Checks the options and fills in the defaults. Throws `TenancyConfigurationError`, which names each option. */
export function checkManagerOptions<T extends Tenant>(options: TenantOrmManagerOptions<T>): CheckedManagerOptions<T> {
  const parsed = shape.safeParse(options);
  if (!parsed.success) {
    throw new TenancyConfigurationError(`TenantOrmManager.init: ${z.prettifyError(parsed.error)}`);
  }
  const { server, servers, warn, central, databases, ...rest } = parsed.data;
  if (databases !== undefined) {
    refuseOptionsOfPostgres(databases, options);
  }
  if (options.catalog === undefined && central === undefined) {
    throw new TenancyConfigurationError(
      'TenantOrmManager.init: give a `catalog`, or `central`, whose database then says which tenants there are.',
    );
  }
  return Object.freeze({
    ...rest,
    catalog: options.catalog,
    weight: options.weight,
    sqlComment: options.sqlComment,
    versionGate: parsed.data.versionGate,
    roles: checkRoles(options.roles, central !== undefined),
    provisioning: checkProvisioning<T>(options.provisioning, central !== undefined),
    central: central === undefined ? undefined : checkCentralOptions(central, server),
    databases,
    servers: databases === undefined ? checkServers(server, servers, options.orm.pool) : new Map(),
    warn: warn ?? ((message: string) => process.emitWarning(message, 'TenancyWarning')),
  });
}

/** What only PostgreSQL has, with what to use instead. */
const ONLY_POSTGRES = {
  server: 'Leave it out: `databases` says where they are.',
  servers: 'Leave it out: `databases` says where they are.',
  central: 'Give a `catalog`, as `new StaticCatalog([…])` or one of your own.',
  provisioning: 'Leave it out; see `databases.create()`.',
  roles: 'Leave it out.',
  sqlComment: 'Leave it out.',
} as const;

const ONLY_POSTGRES_OF_ORM = {
  pool: 'Give the limits to `databases`.',
  attachDatabases: 'Leave it out: what is attached would be the same for every tenant.',
} as const;

function refuseOptionsOfPostgres({ kind }: OtherDatabases, options: object): void {
  const given = options as Readonly<Record<string, unknown>>;
  const orm = given['orm'] as Readonly<Record<string, unknown>>;
  for (const [option, instead] of Object.entries(ONLY_POSTGRES)) {
    // `false` asks for nothing.
    if (given[option] !== undefined && given[option] !== false) {
      throw refusalOf({ what: option, kind, instead });
    }
  }
  for (const [option, instead] of Object.entries(ONLY_POSTGRES_OF_ORM)) {
    if (orm[option] !== undefined) {
      throw new TenancyConfigurationError(`\`orm.${option}\` cannot be set for tenants of ${kind}. ${instead}`);
    }
  }
}

function checkServers(
  server: string | ServerOptions | undefined,
  servers: Readonly<Record<string, string | ServerOptions>> | undefined,
  pool: unknown,
): ReadonlyMap<string, CheckedServerOptions> {
  if ((server === undefined) === (servers === undefined)) {
    throw new TenancyConfigurationError('TenantOrmManager.init: give either `server` or `servers`.');
  }
  const named = Object.entries(servers ?? { [DEFAULT_SERVER]: server as string | ServerOptions });
  if (named.length === 0) {
    throw new TenancyConfigurationError('TenantOrmManager.init: `servers` must name at least one server.');
  }
  return new Map(
    named.map(([name, options]) => [
      name,
      checkServer(name, pool === undefined ? options : withPool(name, options, pool)),
    ]),
  );
}
