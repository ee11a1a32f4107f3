export type { SqliteFiles } from '../files/SqliteFiles.ts';
export type { LibsqlOptions } from './LibsqlOptions.ts';
export { libsqlDatabases } from './libsqlDatabases.ts';
