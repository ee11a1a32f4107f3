import { describe, expect, it } from '@jest/globals';
import * as library from 'mikro-orm-multitenancy';

const cause = new Error('beneath');
const operation: library.Operation = {
  ...{ id: '7', kind: 'provision', tenantId: 'acme', state: 'failed', isUndoing: false, request: {}, data: {} },
  ...{ step: 'seed', done: [], error: { step: 'seed', code: undefined, message: 'no room' }, attempt: 1 },
  ...{ worker: undefined, leaseUntil: undefined, startedAt: '2026-01-01T00:00:00.000Z', finishedAt: undefined },
};
const errors = [
  [new library.TenancyConfigurationError('bad option'), 'TENANCY_CONFIGURATION', 500],
  [new library.NoTenantError('manager.em.find'), 'NO_TENANT', 500],
  [new library.TenantNotFoundError('acme'), 'TENANT_NOT_FOUND', 404],
  [new library.TenantForbiddenError('acme'), 'TENANT_FORBIDDEN', 404],
  [new library.TenantAmbiguousError('acme', 'globex', ['host', 'path']), 'TENANT_AMBIGUOUS', 404],
  [new library.TenantUnavailableError('acme', 'maintenance'), 'TENANT_UNAVAILABLE', 503],
  [new library.TenantUnavailableError('acme', 'suspended'), 'TENANT_UNAVAILABLE', 404],
  [new library.TenantSuspendedError('acme'), 'TENANT_SUSPENDED', 403],
  [new library.SessionOfOtherTenantError('acme', '"globex"'), 'SESSION_OF_OTHER_TENANT', 404],
  [new library.BadTenantRequestError('bad host'), 'BAD_TENANT_REQUEST', 400],
  [new library.TenantDatabaseMissingError('acme', 'acme_db', { cause }), 'TENANT_DATABASE_MISSING', 503],
  [new library.WrongDatabaseError('acme', 'one', 'other'), 'WRONG_DATABASE', 500],
  [new library.WrongTenantError('House', 'tenant "a"', 'tenant "b"', 'b'), 'WRONG_TENANT', 500],
  [new library.TenantClosedError('acme', 'evicted'), 'TENANT_CLOSED', 503],
  [new library.ManagerClosedError(), 'MANAGER_CLOSED', 503],
  [new library.LeaseReleasedError('acme', 'x.'), 'LEASE_RELEASED', 500],
  [new library.TenantOpenError('acme', 1_500, { cause }), 'TENANT_OPEN_FAILED', 503],
  [new library.ConnectionBudgetExceededError('acme', 'late', 5, 5, 2), 'CONNECTION_BUDGET_EXCEEDED', 503],
  [new library.TenantReadOnlyError('acme', 'nothing was written'), 'TENANT_READ_ONLY', 403],
  [new library.TenantReplacedError('acme', '2026-01-01T00:00:00.000Z', undefined), 'TENANT_REPLACED', 404],
  [new library.ClientGoneError(), 'CLIENT_GONE', 499],
  [new library.TenantConnectionError('acme', 'refused', { cause }), 'TENANT_CONNECTION_FAILED', 503],
  [new library.TenantConnectionLostError('acme', { cause }), 'TENANT_CONNECTION_LOST', 503],
  [new library.MigrationIncompleteError('acme', 'no such table', { cause }), 'MIGRATION_INCOMPLETE', 500],
  [new library.MigrationLockTimeoutError('acme', 100), 'MIGRATION_LOCK_TIMEOUT', 500],
  [new library.TenantBehindError('acme', 'Migration002', '1 is pending', 1_500, { cause }), 'TENANT_BEHIND', 503],
  [new library.TenantBusyError('acme', 100, { cause }), 'TENANT_BUSY', 503],
  [new library.TenantConflictError('acme', 'its id', { cause }), 'TENANT_CONFLICT', 409],
  [new library.TenantChangedError('acme', 1, 2), 'TENANT_CHANGED', 409],
  [new library.CatalogUnavailableError('down', { cause }), 'CATALOG_UNAVAILABLE', 503],
  [new library.FleetRunNotFoundError('7'), 'FLEET_RUN_NOT_FOUND', 500],
  [new library.FleetNotRecordedError('resume'), 'FLEET_NOT_RECORDED', 500],
  [new library.FleetRunStateError('7', 'is under way.'), 'FLEET_RUN_STATE', 500],
  [new library.FleetRollbackError('acme', 'it was migrated further since.'), 'FLEET_ROLLBACK', 500],
  [new library.DatabaseCopyError('acme', 'it has large objects.'), 'DATABASE_COPY', 500],
  [new library.SecretUnreadableError('acme', 'the key is another one'), 'SECRET_UNREADABLE', 503],
  [new library.TenantSecretMissingError('acme'), 'TENANT_SECRET_MISSING', 503],
  [new library.CopyDiffersError('acme', []), 'COPY_DIFFERS', 500],
  [new library.TenantStatusError('acme', 'archived', 'suspend', 'Look.'), 'TENANT_STATUS', 409],
  [new library.TenantOperationError(operation, 'no room', { cause }), 'TENANT_OPERATION_FAILED', 500],
  [new library.TenantOperationUnderwayError(operation, 'drop'), 'TENANT_OPERATION_UNDERWAY', 409],
  [new library.OperationRequestError(operation), 'OPERATION_REQUEST', 409],
  [new library.OperationLostError('acme'), 'OPERATION_LOST', 500],
  [new library.OperationNotFoundError('acme', 'take back'), 'OPERATION_NOT_FOUND', 500],
] as const;

describe('the family of errors', () => {
  it.each(errors.map(([error, code, status]) => [error.name, error, code, status] as const))(
    '%s has its name, code and status, and a message that says what to do',
    (name, error, code, status) => {
      expect(error).toBeInstanceOf(library.TenancyError);
      expect(error).toBeInstanceOf(Error);
      expect(error).toMatchObject({ name: error.constructor.name, code, status });
      expect(name).toMatch(/Error$/);
      expect(String(error)).toContain(name);
      expect(error.message).not.toBe('');
    },
  );

  it('has a test for every error that the package exports', () => {
    const exported = Object.keys(library).filter((name) => name.endsWith('Error') && name !== 'TenancyError');
    expect([...new Set(errors.map(([error]) => error.name))].sort()).toEqual(exported.sort());
  });

  it('shows a message to clients only where it is about their own request', () => {
    const exposed = errors.filter(([error]) => error.expose).map(([error]) => error.name);
    expect(exposed).toEqual(['TenantSuspendedError', 'BadTenantRequestError', 'TenantReadOnlyError']);
  });

  it('keeps the cause, and tells a client after how many seconds to come back', () => {
    expect(new library.TenantOpenError('acme', 1_500, { cause })).toMatchObject({
      cause,
      retryAfterSeconds: 2,
      tenantId: 'acme',
    });
    expect(new library.TenantOpenError('acme', 0)).toMatchObject({ retryAfterSeconds: 1 });
    expect(new library.TenantConnectionError('acme', 'why', { retryInMs: 4_100 })).toMatchObject({
      retryAfterSeconds: 5,
    });
    expect('cause' in new library.TenantOpenError('acme', 0)).toBe(false);
  });
});
