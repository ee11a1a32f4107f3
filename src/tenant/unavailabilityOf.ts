import { TenantUnavailableError } from '../errors.ts';
import { statusOf, type Tenant } from './Tenant.ts';

/** The error that a tenant's status stands for, or `undefined` when the tenant takes work. */
export function unavailabilityOf(tenant: Tenant): TenantUnavailableError | undefined {
  const status = statusOf(tenant);
  return status === 'active' || status === 'readonly' ? undefined : new TenantUnavailableError(tenant.id, status);
}
