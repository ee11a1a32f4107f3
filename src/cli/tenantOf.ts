import { TenantNotFoundError } from '../errors.ts';
import type { TenantOrmManager } from '../TenantOrmManager.ts';
import { serverOf, statusOf, type Tenant } from '../tenant/Tenant.ts';

/** The tenant of this id. Rejects with `TenantNotFoundError`. */
export async function tenantOf(manager: TenantOrmManager<Tenant>, id: string): Promise<Tenant> {
  const tenant = await manager.catalog.find(id);
  if (tenant === undefined) {
    throw new TenantNotFoundError(id);
  }
  return tenant;
}

/** A tenant with what is left out of it said. */
export const inFull = (tenant: Tenant) => ({ ...tenant, server: serverOf(tenant), status: statusOf(tenant) });
