export type { FilesOptions } from '../files/FilesOptions.ts';
export type { SqliteFiles } from '../files/SqliteFiles.ts';
export { sqliteDatabases } from './sqliteDatabases.ts';
