export type { MysqlOptions } from './MysqlOptions.ts';
export type { MysqlServerDatabases } from './MysqlServerDatabases.ts';
export { mysqlDatabases } from './mysqlDatabases.ts';
