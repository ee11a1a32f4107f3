// oxlint-disable-next-line typescript/triple-slash-reference -- the package has no types, and a declaration is no module
/// <reference path="./better-sqlite3.d.ts" />
import { SqlEntityManager, SqliteDriver } from '@mikro-orm/sqlite';
import Database from 'better-sqlite3';
import type { FilesOptions } from '../files/FilesOptions.ts';
import { SqliteFiles } from '../files/SqliteFiles.ts';
import type { OpenSqlite } from '../files/SqliteHandle.ts';

const openSqlite: OpenSqlite = (path, { isReadOnly, mustExist }) =>
  // A lock is waited for outside of SQLite, where the process can go on.
  new Database(path, { readonly: isReadOnly, fileMustExist: mustExist, timeout: 0 });

/**
 * Tenants whose databases are files of one folder: `databases` of `TenantOrmManager.init`. Throws
 * `TenancyConfigurationError`; opens nothing.
 */
export function sqliteDatabases(options: FilesOptions): SqliteFiles<SqliteDriver> {
  return new SqliteFiles<SqliteDriver>(
    {
      who: 'sqliteDatabases',
      kind: 'SQLite',
      driver: SqliteDriver,
      entityManager: SqlEntityManager,
      ending: '.sqlite',
      openSqlite,
    },
    options,
  );
}
