import type { Tenant, TenantStatus } from '../../tenant/Tenant.ts';
import { adminOf, type LifeParts } from '../LifeParts.ts';
import type { OperationStep } from '../operations/OperationStep.ts';
import { statusStep } from './dropSteps.ts';
import { letGoStep } from './letGo.ts';
import { setStatus } from './setStatus.ts';
import { tenantIn } from './tenantIn.ts';

/** Statuses of tenants whose database is there, whole and open. */
export const WHOLE: readonly TenantStatus[] = Object.freeze(['active', 'readonly', 'suspended', 'maintenance']);

/** Closed to everybody, and kept. */
export function archiveSteps<T extends Tenant>(parts: LifeParts<T>): OperationStep[] {
  const close: OperationStep = {
    name: 'close',
    run: ({ data }) => setOpen(parts, data, false),
    undo: ({ data }) => setOpen(parts, data, true),
  };
  return [statusStep(parts, { verb: 'archive', from: WHOLE, to: 'archived' }), letGoStep(parts), close];
}

/** Open again, brought to the schema of today, and what it was before. */
export function restoreSteps<T extends Tenant>(parts: LifeParts<T>): OperationStep[] {
  return [
    statusStep(parts, { verb: 'restore', from: ['archived'], to: 'maintenance' }),
    {
      name: 'open',
      run: ({ data }) => setOpen(parts, data, true),
      undo: ({ data }) => setOpen(parts, data, false),
    },
    {
      name: 'migrations',
      run: async ({ tenantId, data }) => {
        await parts.migratorOf(await tenantIn(parts, tenantId, data as never)).up();
      },
    },
    {
      name: 'active',
      inCentral: async (em, { tenantId, data }) => {
        await setStatus(parts, em, tenantId, data['becomes'] as TenantStatus);
      },
    },
  ];
}

async function setOpen<T extends Tenant>(
  parts: LifeParts<T>,
  data: Readonly<Record<string, unknown>>,
  isOpen: boolean,
): Promise<void> {
  const admin = adminOf(parts, data['server']);
  await admin.allowConnections(data['database'] as string, isOpen);
  if (!isOpen) {
    await admin.terminate(data['database'] as string);
  }
}
