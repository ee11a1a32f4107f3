import { describe, expect, it } from '@jest/globals';
import * as main from 'mikro-orm-multitenancy';
import * as bullmq from 'mikro-orm-multitenancy/bullmq';
import * as cli from 'mikro-orm-multitenancy/cli';
import * as dashboard from 'mikro-orm-multitenancy/dashboard';
import * as express from 'mikro-orm-multitenancy/express';
import * as fastify from 'mikro-orm-multitenancy/fastify';
import * as hono from 'mikro-orm-multitenancy/hono';
import * as koa from 'mikro-orm-multitenancy/koa';
import * as libsql from 'mikro-orm-multitenancy/libsql';
import * as mysql from 'mikro-orm-multitenancy/mysql';
import * as nestjs from 'mikro-orm-multitenancy/nestjs';
import * as openTelemetry from 'mikro-orm-multitenancy/opentelemetry';
import * as pgBoss from 'mikro-orm-multitenancy/pg-boss';
import * as pglite from 'mikro-orm-multitenancy/pglite';
import * as prometheus from 'mikro-orm-multitenancy/prometheus';
import * as sqlite from 'mikro-orm-multitenancy/sqlite';
import * as testing from 'mikro-orm-multitenancy/testing';
import manifest from '../../package.json' with { type: 'json' };

/** Where a request names its tenant: the same at every front door. */
const SOURCES = ['byClaim', 'byCookie', 'byDomain', 'byHeader', 'byPath', 'byQuery', 'bySubdomain'] as const;

/** The public values of each entry point. A change here is a change of the public API. */
const PUBLIC = {
  '.': [
    'BadTenantRequestError',
    'CachedCatalog',
    'CatalogUnavailableError',
    'ClientGoneError',
    'ConnectionBudgetExceededError',
    'CopyDiffersError',
    'DatabaseCatalog',
    'DatabaseCopyError',
    'EncryptedSecretStore',
    'FleetNotRecordedError',
    'FleetRollbackError',
    'FleetRunNotFoundError',
    'FleetRunStateError',
    'LeaseReleasedError',
    'ManagerClosedError',
    'MigrationIncompleteError',
    'MigrationLockTimeoutError',
    'NoTenantError',
    'OperationLostError',
    'OperationNotFoundError',
    'OperationRequestError',
    'RESERVED_IDS',
    'SecretUnreadableError',
    'SessionOfOtherTenantError',
    'StaticCatalog',
    'TenancyConfigurationError',
    'TenancyError',
    'TenantAmbiguousError',
    'TenantBehindError',
    'TenantBusyError',
    'TenantChangedError',
    'TenantClosedError',
    'TenantConflictError',
    'TenantConnectionError',
    'TenantConnectionLostError',
    'TenantDatabaseMissingError',
    'TenantDomain',
    'TenantDomains',
    'TenantEntity',
    'TenantForbiddenError',
    'TenantNotFoundError',
    'TenantOpenError',
    'TenantOperationError',
    'TenantOperationUnderwayError',
    'TenantOrmManager',
    'TenantReadOnlyError',
    'TenantReplacedError',
    'TenantSecretMissingError',
    'TenantStatusError',
    'TenantSuspendedError',
    'TenantUnavailableError',
    'WrongDatabaseError',
    'WrongTenantError',
    'currentTenant',
    'requireTenant',
    'tenancyLogFields',
    'tenantKey',
    'tenantLogger',
    'tenantPath',
  ],
  './koa': [...SOURCES, 'tenancy', 'tenancyHealth', 'trustResolution'],
  './express': [...SOURCES, 'tenancy', 'tenancyErrors', 'trustResolution'],
  './fastify': [...SOURCES, 'tenancy', 'tenancyErrors', 'trustResolution'],
  './hono': [...SOURCES, 'tenancy', 'trustResolution'],
  './nestjs': [
    ...['CurrentTenant', 'InjectRepository', 'TenancyErrorsFilter', 'TenancyModule'],
    ...[...SOURCES, 'getRepositoryToken', 'trustResolution'],
  ],
  './testing': ['TestTenancy', 'catalogConformance', 'expectIsolated'],
  './cli': ['defineTenancyConfig', 'fromMikroOrmConfig', 'mikroOrmConfig'],
  './dashboard': ['dashboard'],
  './bullmq': ['TenantQueue', 'tenantProcessor'],
  './pg-boss': ['TenancyJobs', 'TenantBoss'],
  './opentelemetry': ['instrumentTenancy'],
  './prometheus': ['tenancyMetricNames', 'tenancyMetrics'],
  './sqlite': ['sqliteDatabases'],
  './pglite': ['pgliteDatabases'],
  './libsql': ['libsqlDatabases'],
  './mysql': ['mysqlDatabases'],
} as const;

describe('the package', () => {
  it.each([
    ['.', main],
    ['./koa', koa],
    ['./express', express],
    ['./fastify', fastify],
    ['./hono', hono],
    ['./nestjs', nestjs],
    ['./testing', testing],
    ['./cli', cli],
    ['./dashboard', dashboard],
    ['./bullmq', bullmq],
    ['./pg-boss', pgBoss],
    ['./opentelemetry', openTelemetry],
    ['./prometheus', prometheus],
    ['./sqlite', sqlite],
    ['./pglite', pglite],
    ['./libsql', libsql],
    ['./mysql', mysql],
  ] as const)('exports from "%s" exactly its public API', (entry, module) => {
    expect(Object.keys(module).sort()).toEqual([...PUBLIC[entry]]);
  });

  it('has no other entry point', () => {
    expect(Object.keys(manifest.exports)).toEqual([...Object.keys(PUBLIC), './package.json']);
  });
});
