import { PgliteFolders } from './PgliteFolders.ts';
import type { PgliteOptions } from './PgliteOptions.ts';

/**
 * Tenants whose databases are data folders of PGlite, PostgreSQL inside of this process, for demos and tests: `databases` of
 * `TenantOrmManager.init`. Throws `TenancyConfigurationError`; opens nothing.
 */
export function pgliteDatabases(options: PgliteOptions): PgliteFolders {
  return new PgliteFolders(options);
}
