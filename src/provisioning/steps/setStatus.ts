import type { EntityManager } from '@mikro-orm/postgresql';
import { TenantNotFoundError } from '../../errors.ts';
import type { Tenant, TenantStatus } from '../../tenant/Tenant.ts';
import type { LifeParts } from '../LifeParts.ts';

/** In the caller's transaction, by one statement: the triggers of the catalogue do the rest. */
export async function setStatus<T extends Tenant>(
  { central }: Pick<LifeParts<T>, 'central'>,
  em: EntityManager,
  tenantId: string,
  status: TenantStatus,
): Promise<void> {
  const rows = await central?.sql(
    'update tenancy_tenants set status = ? where id = ? returning 1',
    [status, tenantId],
    em,
  );
  if (rows?.length === 0) {
    throw new TenantNotFoundError(tenantId);
  }
}
