import { TenantNotFoundError } from '../../errors.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import type { LifeParts } from '../LifeParts.ts';

/** The tenant that an operation works on, as it is now, or as the operation makes it where there is no central database. */
export async function tenantIn<T extends Tenant>(
  { central }: Pick<LifeParts<T>, 'central'>,
  tenantId: string,
  { server, database }: { readonly server: string; readonly database: string },
): Promise<T> {
  if (central === undefined) {
    return { id: tenantId, server, database } as unknown as T;
  }
  const tenant = await central.read(tenantId);
  if (tenant === undefined) {
    throw new TenantNotFoundError(tenantId);
  }
  return tenant;
}
