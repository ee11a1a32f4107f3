import type { Readable } from 'node:stream';
import type { NewTenant } from '../../catalog/TenantStore.ts';
import type { Tenant } from '../../tenant/Tenant.ts';
import { adminOf, type LifeParts } from '../LifeParts.ts';
import type { OperationStep } from '../operations/OperationStep.ts';
import type { ExportFormat } from '../TenantProvisioner.ts';
import { createEmpty } from './moveSteps.ts';
import { activeStep, nameStep, type ProvisionData, roleStep, rowStep } from './provisionSteps.ts';
import { tenantIn } from './tenantIn.ts';

/** What a tenant is made from. */
export interface ImportSource {
  readonly format: ExportFormat;
  /** Opens the file, each time from its beginning. */
  readonly open: () => Readable | Promise<Readable>;
}

/** As a new tenant, with what a file holds in place of the template's. */
export function importSteps<T extends Tenant>(
  parts: LifeParts<T>,
  newTenant: NewTenant<T>,
  source: ImportSource,
): OperationStep[] {
  const dataOf = (data: object): ProvisionData => data as ProvisionData;
  return [
    rowStep(parts, newTenant),
    {
      name: 'database',
      run: ({ data }) => createEmpty(parts, dataOf(data).server, dataOf(data).made),
      undo: ({ data }) => adminOf(parts, dataOf(data).server).drop(dataOf(data).made),
    },
    {
      name: 'load',
      repeatFrom: 'database',
      run: async ({ tenantId, data, signal }) => {
        const { server, made } = dataOf(data);
        const to = { tenantId, place: { server: adminOf(parts, server).server, database: made }, signal };
        const from = await source.open();
        try {
          await (source.format === 'json' ? parts.copier.importJson(to, from) : parts.copier.importDump(to, from));
        } finally {
          from.destroy();
        }
      },
    },
    ...roleStep(parts, 'made'),
    nameStep(parts),
    {
      name: 'migrations',
      run: async ({ tenantId, data }) => {
        await parts.migratorOf(await tenantIn(parts, tenantId, dataOf(data))).up();
      },
    },
    activeStep(parts, newTenant.status),
  ];
}
