import { currentTenant } from '../context/TenantContext.ts';

/** What a line of a log says of the tenant it was written for. */
export interface TenancyLogFields {
  tenantId?: string;
}

/**
 * The fields for a line that is logged now: `{ tenantId }` in a tenant's context, otherwise `{}`. Always a new object,
 * for a logger that writes into it, as pino does with what `mixin` gives.
 */
export function tenancyLogFields(): TenancyLogFields {
  const tenant = currentTenant();
  return tenant === undefined ? {} : { tenantId: tenant.id };
}
