import { TenantConflictError } from 'mikro-orm-multitenancy';
import { createTenant, finishTenants, type TenantCreation } from './createTenant.ts';
import type { NewHouseTenant } from './tenants.ts';

/**
 * Brings the central database and every tenant to where requests can be answered. May be run again, also at once. A
 * sign-up that cannot be finished is reported, and keeps nobody else waiting.
 */
export async function prepareTenants(
  of: TenantCreation,
  demo: readonly NewHouseTenant[],
  report: (text: string) => void = console.error,
): Promise<void> {
  const { manager } = of;
  await manager.central.migrate({ createDatabase: true });
  for (const result of await finishTenants(of)) {
    if (!result.ok) {
      report(`Tenant "${result.tenantId}" could not be finished: ${String(result.error)}`);
    }
  }
  for (const tenant of demo) {
    if ((await manager.catalog.find(tenant.id)) === undefined) {
      await createTenant(of, tenant).catch(ignoreConflict);
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

/** Another server was faster; it finishes what it began, and so does whoever starts next. */
function ignoreConflict(error: unknown): void {
  if (!(error instanceof TenantConflictError)) {
    throw error;
  }
}
