import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteDialect,
  type TransactionSettings,
} from 'kysely';
import { contextFree } from '../orm/contextFree.ts';
import type { OrmPool } from '../orm/OrmKind.ts';
import type { SqliteConnection, SqliteResult } from './SqliteConnection.ts';

type LentSqlite = Pick<SqliteConnection, 'query' | 'stream' | 'release'>;

/** Kysely's own has one connection for everything, and lets one transaction wait for the next. */
class PooledSqliteAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/** A statement as Kysely sends it, on what the pool has lent. */
class SqliteTenantConnection implements DatabaseConnection {
  readonly lent: LentSqlite;

  constructor(lent: LentSqlite) {
    this.lent = lent;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    return resultOf(await this.lent.query(sql, parameters));
  }

  async *streamQuery<R>({ sql, parameters }: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    for await (const row of this.lent.stream(sql, parameters)) {
      yield { rows: [row as R] };
    }
  }
}

/** Kysely's driver over a tenant's pool. */
class SqliteTenantDriver implements Driver {
  readonly #pool: OrmPool;

  constructor(pool: OrmPool) {
    this.#pool = pool;
  }

  init(): Promise<void> {
    return contextFree(() => Promise.resolve());
  }

  async acquireConnection(): Promise<SqliteTenantConnection> {
    return new SqliteTenantConnection((await this.#pool.connect()) as LentSqlite);
  }

  /** What may write says so at once: SQLite gives up a transaction that has read before it finds that others wrote. */
  async beginTransaction({ lent }: SqliteTenantConnection, { accessMode }: TransactionSettings): Promise<void> {
    await lent.query(accessMode === 'read only' ? 'begin' : 'begin immediate', []);
  }

  async commitTransaction({ lent }: SqliteTenantConnection): Promise<void> {
    await lent.query('commit', []);
  }

  async rollbackTransaction({ lent }: SqliteTenantConnection): Promise<void> {
    try {
      await lent.query('rollback', []);
    } catch (error) {
      // Of some errors, as a full disk, SQLite has undone the transaction itself.
      if (!(error instanceof Error && error.message.includes('no transaction is active'))) {
        throw error;
      }
    }
  }

  async savepoint({ lent }: SqliteTenantConnection, name: string): Promise<void> {
    await lent.query(`savepoint ${quoted(name)}`, []);
  }

  async rollbackToSavepoint({ lent }: SqliteTenantConnection, name: string): Promise<void> {
    await lent.query(`rollback to ${quoted(name)}`, []);
  }

  async releaseSavepoint({ lent }: SqliteTenantConnection, name: string): Promise<void> {
    await lent.query(`release ${quoted(name)}`, []);
  }

  async releaseConnection({ lent }: SqliteTenantConnection): Promise<void> {
    lent.release();
  }

  async destroy(): Promise<void> {
    await this.#pool.end();
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
    return new SqliteTenantDriver(this.#pool) as Driver;
  }

  override createAdapter(): PooledSqliteAdapter {
    return new PooledSqliteAdapter();
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function resultOf<R>({ rows, changes, lastInsertRowid }: SqliteResult): QueryResult<R> {
  return {
    rows: rows as R[],
    ...(changes === undefined ? {} : { numAffectedRows: BigInt(changes) }),
    ...(lastInsertRowid === undefined ? {} : { insertId: BigInt(lastInsertRowid) }),
  };
}
