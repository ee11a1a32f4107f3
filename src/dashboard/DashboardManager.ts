import type { TenantCatalog } from '../catalog/TenantCatalog.ts';
import type { TenancyEmitter } from '../events.ts';
import type { FleetMigrateOptions, FleetReportOptions, FleetWorkOptions } from '../migrations/fleet/FleetOptions.ts';
import type { FleetReport, FleetRun } from '../migrations/fleet/FleetRun.ts';
import type { FleetStatus } from '../migrations/status/FleetStatus.ts';
import type { Operation } from '../provisioning/operations/Operation.ts';
import type { OperationFilter } from '../provisioning/operations/OperationLedger.ts';
import type { TenantOrmManagerStats } from '../TenantOrmManager.ts';
import type { Tenant } from '../tenant/Tenant.ts';

/** What the dashboard needs of `manager.fleet`. */
export interface DashboardFleet {
  runs(options: { readonly limit: number }): Promise<FleetRun[]>;
  report(runId: string, options?: FleetReportOptions): Promise<FleetReport>;
  status(options: { readonly ids: readonly string[] }): Promise<FleetStatus>;
  record(options: Pick<FleetMigrateOptions, 'ids' | 'by'>): Promise<FleetReport>;
  migrate(options: Pick<FleetMigrateOptions, 'ids' | 'by'>): Promise<FleetReport>;
  join(runId: string, options?: FleetWorkOptions): Promise<FleetReport>;
  resume(runId: string, options?: FleetWorkOptions): Promise<FleetReport>;
  retry(runId: string, options?: FleetWorkOptions): Promise<FleetReport>;
}

/** What the dashboard needs of a `TenantOrmManager`. */
export interface DashboardManager<T extends Tenant = Tenant> {
  readonly hasCentral: boolean;
  readonly catalog: TenantCatalog<T>;
  readonly events: TenancyEmitter;
  readonly fleet: DashboardFleet;
  stats(options: { readonly tenants: boolean }): TenantOrmManagerStats;
  operations(filter?: OperationFilter): Promise<Operation[]>;
  suspend(id: string): Promise<T>;
  resume(id: string): Promise<T>;
  readonly(id: string): Promise<T>;
  maintenance(id: string): Promise<T>;
  archive(id: string): Promise<T>;
  restore(id: string): Promise<T>;
  drop(id: string): Promise<void>;
  resumeOperation(id: string, options: { readonly onFailure: 'keep' }): Promise<Operation>;
  undoOperation(id: string): Promise<Operation>;
}
