export type { FilesOptions } from '../files/FilesOptions.ts';
export type { SqliteFiles } from '../files/SqliteFiles.ts';
export { libsqlDatabases } from './libsqlDatabases.ts';
