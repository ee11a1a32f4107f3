import type { NewTenant } from '../../catalog/TenantStore.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import { adminOf, type LifeParts } from '../LifeParts.ts';
import type { OperationStep } from '../operations/OperationStep.ts';
import { createEmpty } from './moveSteps.ts';
import { activeStep, hookStep, nameStep, type ProvisionData, roleStep, rowStep } from './provisionSteps.ts';
import { tenantIn } from './tenantIn.ts';

/** A new tenant, and whose copy it is. */
export interface CloneData extends ProvisionData {
  readonly from: { readonly server: string; readonly database: string };
}

/** As a new tenant, with the data of another one in place of the template's. The source goes on working. */
export function cloneSteps<T extends Tenant>(parts: LifeParts<T>, newTenant: NewTenant<T>): OperationStep[] {
  const cloneOf = (data: object): CloneData => data as CloneData;
  return [
    rowStep(parts, newTenant),
    {
      name: 'database',
      run: ({ data }) => createEmpty(parts, cloneOf(data).server, cloneOf(data).made),
      undo: ({ data }) => adminOf(parts, cloneOf(data).server).drop(cloneOf(data).made),
    },
    {
      name: 'copy',
      repeatFrom: 'database',
      run: async ({ tenantId, data, signal, progress }) => {
        const { server, made, from } = cloneOf(data);
        await parts.copier.copy({
          tenantId,
          from: { server: adminOf(parts, from.server).server, database: from.database },
          to: { server: adminOf(parts, server).server, database: made },
          signal,
          onProgress: ({ table, done, tables }) => progress({ what: table, done, total: tables }),
        });
      },
    },
    ...roleStep(parts, 'made'),
    nameStep(parts),
    {
      name: 'migrations',
      run: async ({ tenantId, data }) => {
        await parts.migratorOf(await tenantIn(parts, tenantId, cloneOf(data))).up();
      },
    },
    ...hookStep(parts, parts.options.onCloned, 'onCloned'),
    activeStep(parts, newTenant.status),
  ];
}
