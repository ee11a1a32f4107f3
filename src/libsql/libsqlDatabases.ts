import { existsSync } from 'node:fs';
import { LibSqlDriver, SqlEntityManager } from '@mikro-orm/libsql';
import { TenancyConfigurationError } from '../errors.ts';
import { SqliteFiles } from '../files/SqliteFiles.ts';
import { ClosedHandles } from './ClosedHandles.ts';
import { openLibsql } from './LibsqlHandle.ts';
import { checkLibsqlOptions, type LibsqlOptions } from './LibsqlOptions.ts';
import { LibsqlServer } from './LibsqlServer.ts';
import { ownFile } from './ownFile.ts';

const KIND = 'libSQL';
const ENDING = '.db';

/**
 * Tenants whose databases are files of libSQL in one folder, each with one user at a time: `databases` of
 * `TenantOrmManager.init`. Throws `TenancyConfigurationError`; opens nothing.
 */
export function libsqlDatabases(options: LibsqlOptions): SqliteFiles<LibSqlDriver> {
  const checked = checkLibsqlOptions(options);
  const closed = new ClosedHandles(checked.maxOpen);
  return new SqliteFiles<LibSqlDriver>({
    kind: KIND,
    driver: LibSqlDriver,
    entityManager: SqlEntityManager,
    folder: checked.folder,
    ending: ENDING,
    open: (events) =>
      new LibsqlServer({
        kind: KIND,
        ending: ENDING,
        events,
        options: checked,
        openFile: (path, of) => openLibsql(path, of, closed),
      }),
    own: (path, database) => {
      if (!existsSync(path)) {
        return () => {};
      }
      const free = ownFile(path);
      if (free === undefined) {
        throw new TenancyConfigurationError(
          `The database "${database}" is open, in this process or another one. Suspend its tenant in the catalogue and ` +
            'call `manager.evict(id)` there first.',
        );
      }
      return free;
    },
  });
}
