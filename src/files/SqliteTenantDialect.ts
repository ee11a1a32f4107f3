import { type Driver, SqliteAdapter, SqliteDialect, type TransactionSettings } from 'kysely';
import { PooledDriver } from '../databases/PooledDriver.ts';
import type { OrmPool } from '../orm/OrmKind.ts';

/** Kysely's own has one connection for everything, and lets one transaction wait for the next. */
class PooledSqliteAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/** Kysely's dialect of SQLite over a tenant's pool, which keeps no request's objects alive. */
export class SqliteTenantDialect extends SqliteDialect {
  readonly #pool: OrmPool;

  constructor(pool: OrmPool) {
    super({
      database: () => {
        throw new Error('connections come from the pool');
      },
    });
    this.#pool = pool;
  }

  override createDriver(): Driver {
    return new PooledDriver(this.#pool, { begin, isUndone }) as Driver;
  }

  override createAdapter(): PooledSqliteAdapter {
    return new PooledSqliteAdapter();
  }
}

/** What may write says so at once: SQLite gives up a transaction that has read before it finds that others wrote. */
function begin({ accessMode }: TransactionSettings): readonly string[] {
  return [accessMode === 'read only' ? 'begin' : 'begin immediate'];
}

/** As after an error of a full disk. */
function isUndone(error: unknown): boolean {
  return error instanceof Error && error.message.includes('no transaction is active');
}
