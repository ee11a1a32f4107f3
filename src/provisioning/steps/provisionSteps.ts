import type { NewTenant } from '../../catalog/TenantStore.ts';
import { TenantNotFoundError } from '../../errors.ts';
import type { Tenant, TenantStatus } from '../../tenant/Tenant.ts';
import { adminOf, type LifeParts } from '../LifeParts.ts';
import type { OperationStep } from '../operations/OperationStep.ts';
import { seedWork } from './seedWork.ts';
import { setStatus } from './setStatus.ts';
import { tenantIn } from './tenantIn.ts';

/** Where the new tenant will be, and what its database is called until it is whole. */
export interface ProvisionData {
  readonly server: string;
  readonly database: string;
  /** The database under its first name: a spare's, or of its own. */
  readonly made: string;
  /** Whether that is there already. */
  readonly isSpare: boolean;
  /** The hash of the template that it was to be copied from when it was begun. */
  readonly template: string;
  readonly role: string | null;
}

/** The row, then the database with everything in it under a name that nobody knows, then its own name, and active. */
export function provisionSteps<T extends Tenant>(parts: LifeParts<T>, newTenant: NewTenant<T>): OperationStep[] {
  const { options, templates } = parts;
  const dataOf = (data: object): ProvisionData => data as ProvisionData;
  const database: OperationStep = {
    name: 'database',
    // A spare is there already, and gets its name.
    run: async ({ tenantId, data }) => {
      const { server, made, database: name } = dataOf(data);
      await templates.get(server)?.copyTo(made, { id: tenantId, database: name });
    },
    undo: async ({ tenantId, data }) => {
      const { server, made, database: name } = dataOf(data);
      const admin = adminOf(parts, server);
      await parts.evict(tenantId, 0);
      await admin.dropMarked(name, made);
      await admin.drop(made);
    },
  };
  const migrations: OperationStep = {
    name: 'migrations',
    skip: async ({ data }) => dataOf(data).template === (await templates.get(dataOf(data).server)?.hash()),
    run: async ({ tenantId, data }) => {
      await parts.migratorOf(await tenantIn(parts, tenantId, dataOf(data))).up();
    },
  };
  const { seed, onProvisioned } = options;
  return [
    rowStep(parts, newTenant),
    database,
    ...roleStep(parts, 'database'),
    migrations,
    ...(seed === undefined
      ? []
      : [
          {
            name: 'seed',
            // What a seed that was cut off has left is not known: it gets a new database.
            repeatFrom: 'database',
            run: async ({ tenantId, data }) => {
              await parts.asTenant(await tenantIn(parts, tenantId, dataOf(data)), seedWork(seed));
            },
          } satisfies OperationStep,
        ]),
    ...hookStep(parts, onProvisioned, 'onProvisioned'),
    activeStep(parts, newTenant.status),
  ];
}

export function rowStep<T extends Tenant>(parts: LifeParts<T>, newTenant: NewTenant<T>): OperationStep {
  const { central, spares } = parts;
  return {
    name: 'row',
    inCentral: async (em, { data }) => {
      const { server, database } = data as unknown as ProvisionData;
      const row = { ...newTenant, server, database, status: 'provisioning' as const };
      await central?.insert(row as NewTenant<T>, em);
      const spare = data['mayBeSpare'] === true ? await spares?.claim(em, server) : undefined;
      return spare === undefined ? {} : { made: spare, isSpare: true };
    },
    undoInCentral: async (em, { tenantId }) => {
      try {
        await central?.tenants.delete(tenantId, { em });
      } catch (error) {
        if (!(error instanceof TenantNotFoundError)) {
          throw error;
        }
      }
    },
  };
}

/** Which of its names the database has when the role may connect. */
export function roleStep<T extends Tenant>(parts: LifeParts<T>, name: 'made' | 'database'): OperationStep[] {
  const { roles } = parts;
  if (roles === undefined) {
    return [];
  }
  const step: OperationStep = {
    name: 'role',
    run: async ({ tenantId, data }) => {
      const { server, role, [name]: database } = data as unknown as ProvisionData;
      await roles.create(tenantId, { admin: adminOf(parts, server), role: role ?? '', database });
    },
    undo: async ({ tenantId, data }) => {
      const { server, role } = data as unknown as ProvisionData;
      await roles.drop(role ?? '', adminOf(parts, server));
      await roles.dropSecret(tenantId);
    },
  };
  return [step];
}

export function nameStep<T extends Tenant>(parts: LifeParts<T>): OperationStep {
  return {
    name: 'name',
    run: async ({ tenantId, data }) => {
      const { server, database, made } = data as unknown as ProvisionData;
      await adminOf(parts, server).rename(made, database, { mark: made, tenantId });
    },
    undo: async ({ tenantId, data }) => {
      const { server, database, made } = data as unknown as ProvisionData;
      await parts.evict(tenantId, 0);
      await adminOf(parts, server).dropMarked(database, made);
    },
  };
}

export function hookStep<T extends Tenant>(
  parts: LifeParts<T>,
  hook: LifeParts<T>['options']['onProvisioned'],
  name: string,
): OperationStep[] {
  if (hook === undefined) {
    return [];
  }
  const step: OperationStep = {
    name,
    run: async ({ tenantId, data, operation }) => {
      const tenant = await tenantIn(parts, tenantId, data as unknown as ProvisionData);
      await parts.asTenant(tenant, (em) => hook(em, tenant, { operationId: operation.id }));
    },
  };
  return [step];
}

export function activeStep<T extends Tenant>(parts: LifeParts<T>, status: TenantStatus = 'active'): OperationStep {
  return {
    name: 'active',
    inCentral: async (em, { tenantId }) => {
      await setStatus(parts, em, tenantId, status);
    },
  };
}
