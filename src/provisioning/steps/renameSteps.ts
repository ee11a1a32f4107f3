import type { Tenant } from '../../tenant/Tenant.ts';
import type { LifeParts } from '../LifeParts.ts';
import type { OperationStep } from '../operations/OperationStep.ts';

/** The secret under both ids as long as either may be asked for. */
export function renameSteps<T extends Tenant>({ central, roles }: LifeParts<T>): OperationStep[] {
  const row: OperationStep = {
    name: 'row',
    inCentral: async (em, { tenantId, data }) => {
      const newId = data['newId'] as string;
      await central?.tenants.rename(tenantId, newId, { em });
      await central?.sql('update tenancy_leftovers set tenant_id = ? where tenant_id = ?', [newId, tenantId], em);
    },
  };
  if (roles === undefined) {
    return [row];
  }
  return [
    // The first step has nothing but the central database: an operation begins in one transaction.
    { name: 'begin', inCentral: async () => {} },
    {
      name: 'secret',
      run: ({ tenantId, data }) => roles.copySecret(tenantId, data['newId'] as string),
      undo: ({ data }) => roles.dropSecret(data['newId'] as string),
    },
    row,
    { name: 'old-secret', isFinal: true, run: ({ tenantId }) => roles.dropSecret(tenantId) },
  ];
}
