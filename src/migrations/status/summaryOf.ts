import type { KnownMigration } from '../MigrationFiles.ts';
import type { FleetStatus, TenantStatusReport, TenantVersionReport } from './FleetStatus.ts';

/** The reports of tenants, with what they come to. */
export function summaryOf(
  known: readonly KnownMigration[],
  reports: readonly TenantStatusReport[],
  { recorded, hasDrift }: { readonly recorded: boolean; readonly hasDrift: boolean },
): FleetStatus {
  const answered = reports.filter((one): one is TenantVersionReport => one.state !== 'failed');
  const count = (holds: (report: TenantVersionReport) => boolean): number => answered.filter(holds).length;
  return {
    at: new Date().toISOString(),
    latest: known.at(-1)?.name,
    known: known.length,
    recorded,
    counts: {
      tenants: reports.length,
      current: count(({ state }) => state === 'current'),
      behind: count(({ state }) => state === 'behind'),
      ahead: count(({ state }) => state === 'ahead'),
      failed: reports.length - answered.length,
      missing: count(({ missing }) => missing.length > 0),
      outOfOrder: count(({ outOfOrder }) => outOfOrder.length > 0),
      edited: recorded ? count(({ edited }) => (edited ?? []).length > 0) : undefined,
      drifted: hasDrift ? count(({ drift }) => drift?.is === 'different') : undefined,
    },
    tenants: reports.toSorted((a, b) => (a.tenantId < b.tenantId ? -1 : 1)),
  };
}
