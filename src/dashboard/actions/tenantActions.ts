import { statusOf, type Tenant, type TenantStatus } from '../../tenant/Tenant.ts';
import type { DashboardManager } from '../DashboardManager.ts';
import type { Begun, DoneBy, TenantAction } from './Action.ts';
import { failureOf } from './runActions.ts';

/** Those with a database in use; the others are for operations to bring back. */
const WHOLE: readonly TenantStatus[] = ['active', 'readonly', 'suspended', 'maintenance'];

const pathOf = (id: string): string => `/tenants/${encodeURIComponent(id)}`;

/** Nothing else may be done to a tenant with an operation that is not over. */
const isOneOf =
  (statuses: readonly TenantStatus[]): TenantAction['suits'] =>
  (tenant, open) =>
    tenant !== undefined && open === undefined && statuses.includes(statusOf(tenant));

/** Changes that are over with the answer. */
const at =
  (change: (manager: DashboardManager, id: string) => Promise<Tenant>): TenantAction['begin'] =>
  async (manager, id): Promise<Begun> => {
    await change(manager, id);
    return { at: pathOf(id) };
  };

/** Operations in steps, which take longer than anybody waits for an answer. */
const inSteps =
  (work: (manager: DashboardManager, id: string) => Promise<unknown>): TenantAction['begin'] =>
  async (manager, id): Promise<Begun> => ({ at: pathOf(id), work: work(manager, id).then(() => undefined) });

/** One that failed, or whose process gave no sign of life in time; another process decides the same by the ledger. */
const stands: TenantAction['suits'] = (_tenant, open) =>
  open?.state === 'failed' || (open?.leaseUntil !== undefined && Date.parse(open.leaseUntil) < Date.now());

async function migrate({ hasCentral, fleet }: DashboardManager, id: string, { by }: DoneBy): Promise<Begun> {
  if (!hasCentral) {
    return { at: pathOf(id), work: fleet.migrate({ ids: [id], by }).then(failureOf) };
  }
  const { id: runId = '' } = await fleet.record({ ids: [id], by });
  return { at: `/runs/${encodeURIComponent(runId)}`, work: fleet.join(runId).then(failureOf) };
}

export const TENANT_ACTIONS: readonly TenantAction[] = Object.freeze([
  {
    name: 'suspend',
    label: 'Suspend',
    effect: 'Nobody works with the tenant any more, in any process. Its database stays as it is.',
    needsCentral: true,
    suits: isOneOf(['active', 'readonly', 'maintenance']),
    begin: at((manager, id) => manager.suspend(id)),
  },
  {
    name: 'resume',
    label: 'Resume',
    effect: 'The tenant works again.',
    needsCentral: true,
    suits: isOneOf(['suspended', 'readonly', 'maintenance']),
    begin: at((manager, id) => manager.resume(id)),
  },
  {
    name: 'readonly',
    label: 'Make read-only',
    effect: 'The tenant’s sessions can read and not write.',
    needsCentral: true,
    suits: isOneOf(['active']),
    begin: at((manager, id) => manager.readonly(id)),
  },
  {
    name: 'maintenance',
    label: 'Put into maintenance',
    effect: 'Requests are answered with 503 until it is resumed.',
    needsCentral: true,
    suits: isOneOf(['active', 'readonly']),
    begin: at((manager, id) => manager.maintenance(id)),
  },
  {
    name: 'migrate',
    label: 'Migrate',
    effect: 'The migrations that its database lacks are applied, as a run over this tenant alone.',
    needsCentral: false,
    suits: isOneOf(WHOLE),
    begin: migrate,
  },
  {
    name: 'archive',
    label: 'Archive',
    effect: 'Its database is closed to everybody and kept until it is restored, or pruned when its time is over.',
    isDestructive: true,
    needsCentral: true,
    suits: isOneOf(WHOLE),
    begin: inSteps((manager, id) => manager.archive(id)),
  },
  {
    name: 'restore',
    label: 'Restore',
    effect: 'Its database is opened, migrated, and the tenant is what it was.',
    needsCentral: true,
    suits: isOneOf(['archived']),
    begin: inSteps((manager, id) => manager.restore(id)),
  },
  {
    name: 'drop',
    label: 'Drop',
    effect: 'The tenant, its database, its role and all its data are dropped, for good.',
    isDestructive: true,
    needsCentral: true,
    suits: isOneOf([...WHOLE, 'archived', 'failed']),
    begin: inSteps((manager, id) => manager.drop(id)),
  },
  {
    name: 'resume-operation',
    label: 'Retry what stopped',
    effect: 'Its operation goes on from the step where it stopped. Should it fail again, it stands there.',
    needsCentral: true,
    suits: stands,
    begin: inSteps((manager, id) => manager.resumeOperation(id, { onFailure: 'keep' })),
  },
  {
    name: 'undo-operation',
    label: 'Take back what stopped',
    effect: 'The steps that its operation has done are taken back, the last one first.',
    isDestructive: true,
    needsCentral: true,
    suits: stands,
    begin: inSteps((manager, id) => manager.undoOperation(id)),
  },
] satisfies readonly TenantAction[]);
