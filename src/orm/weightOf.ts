import { TenancyConfigurationError } from '../errors.ts';
import type { Tenant } from '../tenant/Tenant.ts';

/** What a tenant weighs is the application's answer, and so is checked each time. */
export function weightOf<T extends Tenant>(tenant: T, weight: ((tenant: T) => number) | undefined): number {
  const given = weight?.(tenant) ?? 1;
  if (!Number.isInteger(given) || given < 1) {
    throw new TenancyConfigurationError(
      `Tenant "${tenant.id}": \`weight\` must give a whole number of at least 1, and gave ${given}.`,
      { tenantId: tenant.id },
    );
  }
  return given;
}
