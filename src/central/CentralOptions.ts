import type { AnyEntity, EntityClass, EntitySchema } from '@mikro-orm/core';
import { z } from 'zod';
import type { TenantEntityType } from '../catalog/CatalogTenant.ts';
import { PlainTenant, TenantEntity } from '../catalog/TenantEntity.ts';
import type { TenantRulesOptions } from '../catalog/TenantRules.ts';
import { LONGEST_DELAY_MS } from '../connections/Clock.ts';
import { type CheckedServerOptions, checkServer, type ServerOptions } from '../connections/ServerOptions.ts';
import { TenancyConfigurationError } from '../errors.ts';
import type { TenantOrmOptions } from '../orm/TenantOrmOptions.ts';
import { assertDatabaseName } from '../tenant/databaseName.ts';

/** The cache before the catalogue of the central database. */
export interface CentralCatalogOptions {
  /** How often changes are asked for, in milliseconds. A suspension holds everywhere after this and a second. @default 5000 */
  readonly pollIntervalMs?: number | undefined;
  /** Whether PostgreSQL's NOTIFY wakes the poll at once; needs a `directUrl` without a pooler. @default true */
  readonly notify?: boolean | undefined;
  /** After how long a tenant is looked up again, even if no change was heard of. @default 30000 */
  readonly positiveTtlMs?: number | undefined;
  /** How old the knowledge may be by which a name is said to be nobody's. @default 3000 */
  readonly negativeTtlMs?: number | undefined;
  /** For how long known tenants are served while the central database is down. @default 600000 (10 minutes) */
  readonly staleOnErrorMs?: number | undefined;
  /** How many tenants are kept in full. @default 10000 */
  readonly maxCachedTenants?: number | undefined;
}

/** The central database: which tenants there are, and what they share. */
export interface CentralOptions<C extends TenantEntityType = TenantEntityType> extends TenantRulesOptions {
  /** The name of the database. */
  readonly database: string;
  /**
   * Its server. Left out, that is the one of the tenants, with connections of its own beside theirs: by default 10, of
   * which 3 are kept for migrations.
   */
  readonly server?: string | ServerOptions | undefined;
  /** MikroORM's options for shared entities and their migrations; never a database. */
  readonly orm?: TenantOrmOptions | undefined;
  /** The application's tenant: a class or schema over `TenantEntity`. Its columns are typed wherever a tenant is. */
  readonly tenant?: C | undefined;
  /** The cache before the catalogue. */
  readonly cache?: CentralCatalogOptions | undefined;
}

export interface CheckedCentralOptions {
  readonly database: string;
  readonly server: CheckedServerOptions;
  readonly orm: TenantOrmOptions;
  readonly tenant: EntityClass<AnyEntity> | EntitySchema;
  /** The class behind `tenant`. */
  readonly tenantClass: new () => TenantEntity;
  readonly rules: TenantRulesOptions;
  readonly cache: CheckedCatalogOptions;
}

export type CheckedCatalogOptions = {
  readonly [K in keyof CentralCatalogOptions]-?: NonNullable<CentralCatalogOptions[K]>;
};

export const CENTRAL_CATALOG_DEFAULTS = Object.freeze({
  pollIntervalMs: 5_000,
  notify: true,
  positiveTtlMs: 30_000,
  negativeTtlMs: 3_000,
  staleOnErrorMs: 600_000,
  maxCachedTenants: 10_000,
});

/** One process needs few connections for all tenants together; one of them listens. Everybody may wait for them. */
const SERVER_DEFAULTS = Object.freeze({
  maxConnections: 10,
  reservedConnections: 3,
  maxConnectionsPerTenant: 5,
  maxWaitingPerTenant: 500,
});

const delay = (fallback: number) => z.int().min(1).max(LONGEST_DELAY_MS).default(fallback);
const names = z.array(z.string());

const shape = z.strictObject({
  database: z.string(),
  server: z.custom<string | ServerOptions>().optional(),
  orm: z.custom<TenantOrmOptions>((value) => typeof value === 'object' && value !== null).optional(),
  tenant: z.custom<TenantEntityType>().optional(),
  reservedIds: names.optional(),
  ownDomains: names.optional(),
  cache: z
    .strictObject({
      pollIntervalMs: delay(CENTRAL_CATALOG_DEFAULTS.pollIntervalMs),
      notify: z.boolean().default(CENTRAL_CATALOG_DEFAULTS.notify),
      positiveTtlMs: delay(CENTRAL_CATALOG_DEFAULTS.positiveTtlMs),
      negativeTtlMs: delay(CENTRAL_CATALOG_DEFAULTS.negativeTtlMs),
      staleOnErrorMs: delay(CENTRAL_CATALOG_DEFAULTS.staleOnErrorMs),
      maxCachedTenants: z.int().min(1).default(CENTRAL_CATALOG_DEFAULTS.maxCachedTenants),
    })
    .prefault({}),
});

/** Checks the options and fills in the defaults. Throws `TenancyConfigurationError`. */
export function checkCentralOptions(
  options: CentralOptions,
  tenantsServer: string | ServerOptions | undefined,
): CheckedCentralOptions {
  const parsed = shape.safeParse(options);
  if (!parsed.success) {
    throw new TenancyConfigurationError(`\`central\`: ${z.prettifyError(parsed.error)}`);
  }
  const { database, server = locationOf(tenantsServer), orm, tenant, cache, ...rules } = parsed.data;
  assertDatabaseName(database);
  if (server === undefined) {
    throw new TenancyConfigurationError('`central.server` is needed beside `servers`: say which of them it is.');
  }
  const own = typeof server === 'string' ? { url: server } : server;
  const checked = checkServer('central', { ...SERVER_DEFAULTS, ...own });
  if (checked.maxConnections < checked.reservedConnections + 2) {
    throw new TenancyConfigurationError(
      '`central.server.maxConnections` must be larger than its `reservedConnections` by 2: one connection hears of ' +
        'changes, and one is for everything else.',
    );
  }
  return Object.freeze({
    database,
    server: checked,
    orm: orm ?? { entities: [] },
    tenant: (tenant ?? PlainTenant) as CheckedCentralOptions['tenant'],
    tenantClass: classOf(tenant ?? PlainTenant),
    rules,
    cache,
  });
}

/** Where the tenants' server is, without its limits: they are for the tenants. */
function locationOf(server: string | ServerOptions | undefined): ServerOptions | undefined {
  if (server === undefined || typeof server === 'string') {
    return server === undefined ? undefined : { url: server };
  }
  const { url, directUrl, ssl, connectTimeoutMs } = server;
  return { url, directUrl, ssl, connectTimeoutMs };
}

function classOf(tenant: TenantEntityType): new () => TenantEntity {
  const given: unknown = tenant;
  const Class =
    typeof given === 'function' ? given : (given as { readonly meta?: { readonly class?: unknown } }).meta?.class;
  if (typeof Class !== 'function' || !(Class.prototype instanceof TenantEntity || extendsBase(tenant))) {
    throw new TenancyConfigurationError('`central.tenant` must be a class or a schema that extends `TenantEntity`.');
  }
  return Class as new () => TenantEntity;
}

/** `defineEntity({ extends })` names its base in the metadata and not in the class. */
function extendsBase(tenant: TenantEntityType): boolean {
  const base: unknown = (tenant as { readonly meta?: { readonly extends?: unknown } }).meta?.extends;
  const Class =
    typeof base === 'function'
      ? base
      : (base as { readonly meta?: { readonly class?: unknown } } | undefined)?.meta?.class;
  return Class === TenantEntity || (typeof Class === 'function' && Class.prototype instanceof TenantEntity);
}
