import type { CentralDatabase } from '../central/CentralDatabase.ts';
import { TenantNotFoundError } from '../errors.ts';
import type { Tenant, TenantStatus } from '../tenant/Tenant.ts';
import type { OperationKind } from './operations/Operation.ts';
import { TenantStatusError } from './provisioningErrors.ts';
import { WHOLE } from './steps/archiveSteps.ts';

interface StatusRow {
  readonly status: TenantStatus;
  /** The operation that is not over. */
  readonly open: OperationKind | null;
}

const SELECT = `select status, (
    select kind from tenancy_operations where tenant_id = tenancy_tenants.id and state in ('running', 'failed')
  ) as open
  from tenancy_tenants where id = ? for update`;

/**
 * Changes what a whole tenant may do. In one transaction: an operation that begins at the same time comes before or after
 * it. Rejects with `TenantStatusError` or `TenantNotFoundError`.
 */
export async function setTenantStatus<T extends Tenant>(
  central: CentralDatabase<T>,
  id: string,
  { verb, to }: { readonly verb: string; readonly to: TenantStatus },
): Promise<void> {
  await central.change([id], async (em) => {
    const [row] = await central.sql<StatusRow>(SELECT, [id], em);
    if (row === undefined) {
      throw new TenantNotFoundError(id);
    }
    if (row.open !== null || !WHOLE.includes(row.status)) {
      const instead = row.open === null ? 'Look at its status first.' : `Its ${row.open} is not over.`;
      throw new TenantStatusError(id, row.status, verb, instead);
    }
    await central.tenants.setStatus(id, to, { em });
  });
}
