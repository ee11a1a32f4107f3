import { TenantNotFoundError } from '../../errors.ts';
import type { Tenant, TenantStatus } from '../../tenant/Tenant.ts';
import { adminOf, type LifeParts } from '../LifeParts.ts';
import type { OperationStep } from '../operations/OperationStep.ts';
import { dropLeftovers } from '../leftovers.ts';
import { letGoStep } from './letGo.ts';

/** Where the tenant was when the operation began. */
export interface PlacedData {
  readonly server: string;
  readonly database: string;
  readonly role: string | null;
  readonly was: TenantStatus;
}

/** No process takes work for the tenant, then its data goes, and what is known of it last. */
export function dropSteps<T extends Tenant>(parts: LifeParts<T>): OperationStep[] {
  const { central, roles } = parts;
  const gone: OperationStep[] = [
    {
      name: 'database',
      isFinal: true,
      run: ({ data }) => adminOf(parts, data['server']).drop(data['database'] as string),
    },
    {
      name: 'leftovers',
      isFinal: true,
      run: async ({ tenantId }) => {
        await dropLeftovers(parts, { tenantId });
      },
    },
  ];
  if (roles !== undefined) {
    gone.push({
      name: 'role',
      isFinal: true,
      run: async ({ tenantId, data }) => {
        const { server, role } = data as unknown as PlacedData;
        await roles.drop(tenantId, { server: adminOf(parts, server).server, role: role ?? '' });
      },
    });
  }
  const row: OperationStep = {
    name: 'row',
    isFinal: true,
    inCentral: async (em, { tenantId }) => {
      try {
        await central?.tenants.delete(tenantId, { em });
      } catch (error) {
        if (!(error instanceof TenantNotFoundError)) {
          throw error;
        }
      }
    },
  };
  return [statusStep(parts, 'dropping'), letGoStep(parts), ...gone, row];
}

/** The status that keeps work away, until the operation is over or taken back. */
export function statusStep<T extends Tenant>({ central }: LifeParts<T>, status: TenantStatus): OperationStep {
  return {
    name: 'status',
    inCentral: async (em, { tenantId }) => {
      await central?.tenants.setStatus(tenantId, status, { em });
    },
    undoInCentral: async (em, { tenantId, data }) => {
      await central?.tenants.setStatus(tenantId, data['was'] as TenantStatus, { em });
    },
  };
}
