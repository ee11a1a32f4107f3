import { pathToFileURL } from 'node:url';
import { LibSqlDriver, SqlEntityManager } from '@mikro-orm/libsql';
import Database from 'libsql';
import type { FilesOptions } from '../files/FilesOptions.ts';
import { SqliteFiles } from '../files/SqliteFiles.ts';
import type { OpenSqlite, SqliteHandle } from '../files/SqliteHandle.ts';

/** The package takes no heed of `readonly` and `fileMustExist`, and would make the file; the URL says it to SQLite itself. */
const openSqlite: OpenSqlite = (path, { isReadOnly, mustExist }) => {
  const mode = isReadOnly ? 'ro' : mustExist ? 'rw' : 'rwc';
  // A lock is waited for outside of SQLite, where the process can go on.
  return new Database(`${pathToFileURL(path).href}?mode=${mode}`, { timeout: 0 }) as unknown as SqliteHandle;
};

/**
 * Tenants whose databases are files of one folder, opened by libSQL: `databases` of `TenantOrmManager.init`. Throws
 * `TenancyConfigurationError`; opens nothing. Databases of a libSQL server are not among them.
 */
export function libsqlDatabases(options: FilesOptions): SqliteFiles<LibSqlDriver> {
  return new SqliteFiles<LibSqlDriver>(
    {
      who: 'libsqlDatabases',
      kind: 'libSQL',
      driver: LibSqlDriver,
      entityManager: SqlEntityManager,
      ending: '.sqlite',
      openSqlite,
    },
    options,
  );
}
