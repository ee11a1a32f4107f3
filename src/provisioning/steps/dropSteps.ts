import { TenantNotFoundError } from '../../errors.ts';
import type { Tenant, TenantStatus } from '../../tenant/Tenant.ts';
import { adminOf, type LifeParts } from '../LifeParts.ts';
import { dropLeftovers } from '../leftovers.ts';
import type { OperationStep } from '../operations/OperationStep.ts';
import { TenantStatusError } from '../provisioningErrors.ts';
import { letGoStep } from './letGo.ts';
import { setStatus } from './setStatus.ts';

/** Where the tenant was when the operation began. */
export interface PlacedData {
  readonly server: string;
  readonly database: string;
  readonly role: string | null;
  readonly was: TenantStatus;
}

const DROP: StatusChange = {
  verb: 'drop',
  from: ['active', 'readonly', 'suspended', 'maintenance', 'archived', 'failed', 'dropping'],
  to: 'dropping',
};

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
        if (role !== null) {
          await roles.drop(role, adminOf(parts, server));
        }
        await roles.dropSecret(tenantId);
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
  return [statusStep(parts, DROP), letGoStep(parts), ...gone, row];
}

/** What a verb is for, and what it makes of the tenant while it is at work. */
export interface StatusChange {
  readonly verb: string;
  readonly from: readonly TenantStatus[];
  readonly to: TenantStatus;
}

interface TenantRow {
  readonly server: string;
  readonly database_name: string;
  readonly status: TenantStatus;
}

/**
 * The status that keeps work away, until the operation is over or taken back. Where the tenant is, is read here, under
 * the lock of its row: what the cache of the catalogue says may be from before a move.
 */
export function statusStep<T extends Tenant>(parts: LifeParts<T>, { verb, from, to }: StatusChange): OperationStep {
  const { central } = parts;
  return {
    name: 'status',
    inCentral: async (em, { tenantId }) => {
      if (central === undefined) {
        return undefined;
      }
      const [row] = await central.sql<TenantRow>(
        'select server, database_name, status from tenancy_tenants where id = ? for update',
        [tenantId],
        em,
      );
      if (row === undefined) {
        throw new TenantNotFoundError(tenantId);
      }
      if (!from.includes(row.status)) {
        throw new TenantStatusError(tenantId, row.status, verb, 'Look at its status first.');
      }
      await setStatus(parts, em, tenantId, to);
      return { server: row.server, database: row.database_name, was: row.status };
    },
    undoInCentral: async (em, { tenantId, data }) => {
      await setStatus(parts, em, tenantId, data['was'] as TenantStatus);
    },
  };
}
