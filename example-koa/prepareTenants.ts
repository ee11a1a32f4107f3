import { TenancyError } from 'mikro-orm-multitenancy';
import type { HouseManager } from './manager.ts';
import type { NewHouseTenant } from './tenants.ts';

/**
 * Brings the central database and every tenant to where requests can be answered. May be run again, also at once. What a
 * process before has begun and cannot be finished is reported, and keeps nobody else waiting.
 */
export async function prepareTenants(
  manager: HouseManager,
  demo: readonly NewHouseTenant[],
  report: (text: string) => void = console.error,
): Promise<void> {
  await manager.central.migrate({ createDatabase: true });
  for (const { tenantId, kind, state, error } of await manager.recoverOperations()) {
    if (state === 'failed') {
      report(`Tenant "${tenantId}": its ${kind} could not be finished: ${error?.message}`);
    }
  }
  for (const tenant of demo) {
    if ((await manager.catalog.find(tenant.id)) === undefined) {
      await manager.provision(tenant).catch(ignoreConflict);
    }
  }
  // Tenants of an earlier start may lack newer migrations, also those that nobody may use at the moment.
  const outdated = await manager.each((_em, { id }) => manager.migrator(id).up(), {
    allow: ['suspended', 'maintenance'],
  });
  for (const result of outdated) {
    if (!result.ok) {
      throw result.error;
    }
  }
}

/** Another server was faster, and makes it. */
function ignoreConflict(error: unknown): void {
  if (!(error instanceof TenancyError && error.status === 409)) {
    throw error;
  }
}
