import type { Tenant } from '../../tenant/Tenant.ts';
import type { DatabasePlace } from '../copy/CopyOptions.ts';
import { adminOf, type LifeParts } from '../LifeParts.ts';
import { keepLeftover } from '../leftovers.ts';
import type { OperationStep } from '../operations/OperationStep.ts';
import { CopyDiffersError } from '../provisioningErrors.ts';
import { WHOLE } from './archiveSteps.ts';
import { type PlacedData, statusStep } from './dropSteps.ts';
import { letGoStep } from './letGo.ts';
import { setStatus } from './setStatus.ts';

/** From where to where. The source has the name `left` while nobody may reach it. */
export interface MoveData extends PlacedData {
  readonly left: string;
  readonly to: string;
  readonly made: string;
}

/**
 * The source gets a name that nobody knows: a process that has not heard of the move, or that missed it, finds no
 * database instead of writing into one that is being left.
 */
export function moveSteps<T extends Tenant>(parts: LifeParts<T>): OperationStep[] {
  const { central, roles, copier, options } = parts;
  const moveOf = (data: object): MoveData => data as MoveData;
  const placesOf = (data: object): { readonly from: DatabasePlace; readonly to: DatabasePlace } => {
    const { server, left, to, made } = moveOf(data);
    return {
      from: { server: adminOf(parts, server).server, database: left },
      to: { server: adminOf(parts, to).server, database: made },
    };
  };
  const fence: OperationStep = {
    name: 'fence',
    run: async ({ tenantId, data }) => {
      const { server, database, left } = moveOf(data);
      await adminOf(parts, server).rename(database, left, { mark: left, tenantId, isInUse: true });
    },
    undo: async ({ tenantId, data }) => {
      const { server, database, left } = moveOf(data);
      const admin = adminOf(parts, server);
      if ((await admin.info(left)) !== undefined) {
        await admin.rename(left, database, { mark: left, tenantId, isInUse: true });
      }
      await admin.allowConnections(database, true);
    },
  };
  const steps: OperationStep[] = [
    statusStep(parts, { verb: 'move', from: WHOLE, to: 'maintenance' }),
    letGoStep(parts),
    fence,
    {
      name: 'database',
      run: ({ data }) => createEmpty(parts, moveOf(data).to, moveOf(data).made),
      undo: ({ data }) => adminOf(parts, moveOf(data).to).drop(moveOf(data).made),
    },
    {
      name: 'copy',
      repeatFrom: 'database',
      run: async ({ tenantId, data, signal, progress }) => {
        await copier.copy({
          ...{ tenantId, ...placesOf(data), signal },
          onProgress: ({ table, done, tables }) => progress({ what: table, done, total: tables }),
        });
      },
    },
    {
      name: 'verify',
      run: async ({ tenantId, data }) => {
        const differences = await copier.verify({ tenantId, ...placesOf(data) });
        if (differences.length > 0) {
          throw new CopyDiffersError(tenantId, differences);
        }
      },
    },
  ];
  if (roles !== undefined) {
    steps.push({
      name: 'role',
      run: async ({ tenantId, data }) => {
        const { to, made, role } = moveOf(data);
        await roles.create(tenantId, { admin: adminOf(parts, to), role: role ?? '', database: made });
      },
      undo: ({ data }) => roles.drop(moveOf(data).role ?? '', adminOf(parts, moveOf(data).to)),
    });
  }
  steps.push(
    {
      name: 'name',
      run: async ({ tenantId, data }) => {
        const { to, made, database } = moveOf(data);
        await adminOf(parts, to).rename(made, database, { mark: made, tenantId });
      },
      undo: ({ data }) => adminOf(parts, moveOf(data).to).dropMarked(moveOf(data).database, moveOf(data).made),
    },
    {
      name: 'switch',
      inCentral: async (em, { tenantId, data }) => {
        const { to, was, server, left, role } = moveOf(data);
        await central?.tenants.update(tenantId, { server: to } as never, { em });
        await setStatus(parts, em, tenantId, was);
        await keepLeftover(parts, em, { server, database: left, role, tenantId, forMs: options.keepMovedMs });
      },
    },
  );
  return steps;
}

/** Without anything that an administrator has put into `template1`. */
export async function createEmpty<T extends Tenant>(parts: LifeParts<T>, server: string, name: string): Promise<void> {
  await adminOf(parts, server).create(name, { template: 'template0', strategy: 'wal-log', mark: name });
}
