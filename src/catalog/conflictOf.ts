import { UniqueConstraintViolationException } from '@mikro-orm/core';
import { TenantConflictError } from '../errors.ts';

const WHAT: Readonly<Record<string, string>> = {
  tenancy_tenants_pkey: 'its id',
  tenancy_tenants_database_unique: 'its database on this server',
  tenancy_domains_pkey: 'its domain',
};

/** The error for a value that another tenant has, or `undefined` when `error` is something else. */
export function conflictOf(error: unknown, tenantId: string): TenantConflictError | undefined {
  if (!(error instanceof UniqueConstraintViolationException)) {
    return undefined;
  }
  const { constraint } = error as { readonly constraint?: string };
  return new TenantConflictError(tenantId, WHAT[constraint ?? ''] ?? 'a value that must be unique', { cause: error });
}
