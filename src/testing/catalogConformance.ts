import type { TenantCatalog } from '../catalog/TenantCatalog.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { CATALOG_CASES, DEFAULT_TENANTS } from './catalogCases.ts';

/** A catalogue that holds the tenants of one case, and how to be rid of it. */
export interface CatalogUnderTest {
  readonly catalog: TenantCatalog;
  close?(): void | Promise<void>;
}

/** One case of a suite. `name` reads as a sentence; `run` rejects with an AssertionError where the case fails. */
export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}

/**
 * What every {@link TenantCatalog} does, for any test runner:
 *
 *     for (const { name, run } of catalogConformance(build)) it(name, run);
 *
 * `build` gives a catalogue with exactly these tenants, a fresh one for each case.
 */
export function catalogConformance(
  build: (tenants: readonly Tenant[]) => Promise<CatalogUnderTest>,
): readonly ConformanceCase[] {
  return CATALOG_CASES.map(({ name, tenants = DEFAULT_TENANTS, check }) => ({
    name,
    run: async () => {
      const built = await build(tenants);
      try {
        await check(built.catalog);
      } finally {
        await built.close?.();
      }
    },
  }));
}
