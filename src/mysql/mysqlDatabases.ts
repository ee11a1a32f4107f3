import type { MysqlOptions } from './MysqlOptions.ts';
import { MysqlServerDatabases } from './MysqlServerDatabases.ts';

/**
 * Tenants whose databases are on one server of MySQL or MariaDB: `databases` of `TenantOrmManager.init`. Throws
 * `TenancyConfigurationError`; connects to nothing.
 */
export function mysqlDatabases(options: MysqlOptions): MysqlServerDatabases {
  return new MysqlServerDatabases(options);
}
