import { TenantConflictError } from '../errors.ts';

/** SQLSTATE unique_violation. MikroORM's exceptions keep the code of the driver's. */
const UNIQUE_VIOLATION = '23505';

const WHAT: Readonly<Record<string, string>> = {
  tenancy_tenants_pkey: 'its id',
  tenancy_tenants_database_unique: 'its database on this server',
  tenancy_domains_pkey: 'its domain',
};

/** The error for a value that another tenant has, or `undefined` when `error` is something else. */
export function conflictOf(error: unknown, tenantId: string): TenantConflictError | undefined {
  const { code, constraint } = error as { readonly code?: unknown; readonly constraint?: string };
  return code === UNIQUE_VIOLATION
    ? new TenantConflictError(tenantId, WHAT[constraint ?? ''] ?? 'a value that must be unique', { cause: error })
    : undefined;
}
