// oxlint-disable-next-line typescript/triple-slash-reference -- the package has no types, and a declaration is no module
/// <reference path="./better-sqlite3.d.ts" />
import { SqlEntityManager, SqliteDriver } from '@mikro-orm/sqlite';
import Database from 'better-sqlite3';
import { checkFilesOptions, type FilesOptions } from '../files/FilesOptions.ts';
import { OpenFiles } from '../files/OpenFiles.ts';
import { SqliteFiles } from '../files/SqliteFiles.ts';
import { closeHandle, type OpenSqlite } from '../files/SqliteHandle.ts';
import { prepareSession, SqliteServer } from '../files/SqliteServer.ts';

const KIND = 'SQLite';
const ENDING = '.sqlite';

const openSqlite: OpenSqlite = (path, { isReadOnly, mustExist }) =>
  // A lock is waited for outside of SQLite, where the process can go on.
  new Database(path, { readonly: isReadOnly, fileMustExist: mustExist, timeout: 0 });

/**
 * Tenants whose databases are files of one folder: `databases` of `TenantOrmManager.init`. Throws
 * `TenancyConfigurationError`; opens nothing.
 */
export function sqliteDatabases(options: FilesOptions): SqliteFiles<SqliteDriver> {
  const checked = checkFilesOptions('sqliteDatabases', options);
  const files = new OpenFiles();
  return new SqliteFiles<SqliteDriver>({
    kind: KIND,
    driver: SqliteDriver,
    entityManager: SqlEntityManager,
    folder: checked.folder,
    ending: ENDING,
    open: (events) => new SqliteServer({ kind: KIND, ending: ENDING, openSqlite, events, options: checked, files }),
    begin: (path) => {
      const handle = openSqlite(path, { isReadOnly: false, mustExist: true });
      try {
        prepareSession(handle, false);
      } finally {
        closeHandle(handle);
      }
    },
    own: (path, database) => {
      // Of other processes it does not know.
      files.assertClosed(path, database);
      return () => {};
    },
  });
}
