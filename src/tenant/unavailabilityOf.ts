import { TenantUnavailableError } from '../errors.ts';
import { statusOf, type Tenant, type TenantStatus } from './Tenant.ts';

/** The error that a tenant's status stands for, or `undefined` when the tenant takes work, or `allow` names it. */
export function unavailabilityOf(
  tenant: Tenant,
  allow: readonly TenantStatus[] = [],
): TenantUnavailableError | undefined {
  const status = statusOf(tenant);
  const takesWork = status === 'active' || status === 'readonly' || allow.includes(status);
  return takesWork ? undefined : new TenantUnavailableError(tenant.id, status);
}
