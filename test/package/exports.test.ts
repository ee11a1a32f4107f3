import { describe, expect, it } from '@jest/globals';
import * as main from 'mikro-orm-multitenancy';
import * as bullmq from 'mikro-orm-multitenancy/bullmq';
import * as cli from 'mikro-orm-multitenancy/cli';
import * as dashboard from 'mikro-orm-multitenancy/dashboard';
import * as koa from 'mikro-orm-multitenancy/koa';
import * as pgBoss from 'mikro-orm-multitenancy/pg-boss';
import * as testing from 'mikro-orm-multitenancy/testing';
import manifest from '../../package.json' with { type: 'json' };

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
    'TenantChangedError',
    'TenantClosedError',
    'TenantConflictError',
    'TenantConnectionError',
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
    'tenantKey',
    'tenantPath',
  ],
  './koa': [
    ...['byClaim', 'byCookie', 'byDomain', 'byHeader', 'byPath', 'byQuery', 'bySubdomain'],
    ...['tenancy', 'trustResolution'],
  ],
  './testing': ['TestTenancy', 'catalogConformance', 'expectIsolated'],
  './cli': ['defineTenancyConfig', 'mikroOrmConfig'],
  './dashboard': ['dashboard'],
  './bullmq': ['TenantQueue', 'tenantProcessor'],
  './pg-boss': ['TenancyJobs', 'TenantBoss'],
} as const;

describe('the package', () => {
  it.each([
    ['.', main],
    ['./koa', koa],
    ['./testing', testing],
    ['./cli', cli],
    ['./dashboard', dashboard],
    ['./bullmq', bullmq],
    ['./pg-boss', pgBoss],
  ] as const)('exports from "%s" exactly its public API', (entry, module) => {
    expect(Object.keys(module).sort()).toEqual([...PUBLIC[entry]]);
  });

  it('has no other entry point', () => {
    expect(Object.keys(manifest.exports)).toEqual([...Object.keys(PUBLIC), './package.json']);
  });
});
