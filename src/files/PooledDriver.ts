import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely';
import { contextFree } from '../orm/contextFree.ts';
import type { OrmPool } from '../orm/OrmKind.ts';

/** What one statement gave. */
export interface FileResult {
  readonly rows: unknown[];
  /** How many rows it changed; of a statement that changes some. */
  readonly changes?: number | bigint | undefined;
  /** The last key that was given; of a statement without rows. */
  readonly lastInsertRowid?: number | bigint | undefined;
}

/** What the pool lends. */
export interface LentFile {
  query(text: string, parameters: readonly unknown[]): Promise<FileResult>;
  stream(text: string, parameters: readonly unknown[]): AsyncIterableIterator<unknown>;
  release(): void;
}

/** A statement as Kysely sends it, on what the pool has lent. */
class PooledConnection implements DatabaseConnection {
  readonly lent: LentFile;
  #isReleased = false;

  constructor(lent: LentFile) {
    this.lent = lent;
  }

  /** Does nothing the second time: somebody else may have the connection by then. */
  release(): void {
    if (!this.#isReleased) {
      this.#isReleased = true;
      this.lent.release();
    }
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

export interface PooledDriverOptions {
  /** The statement by which a transaction begins. */
  readonly begin: (settings: TransactionSettings) => string;
  /** Whether an error of `rollback` says that the database has undone the transaction itself. */
  readonly isUndone?: (error: unknown) => boolean;
}

/** Kysely's driver over a tenant's pool: a connection for each who needs one. */
export class PooledDriver implements Driver {
  readonly #pool: OrmPool;
  readonly #options: PooledDriverOptions;

  constructor(pool: OrmPool, options: PooledDriverOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  init(): Promise<void> {
    return contextFree(() => Promise.resolve());
  }

  async acquireConnection(): Promise<PooledConnection> {
    return new PooledConnection((await this.#pool.connect()) as LentFile);
  }

  async beginTransaction(connection: PooledConnection, settings: TransactionSettings): Promise<void> {
    try {
      await connection.lent.query(this.#options.begin(settings), []);
    } catch (error) {
      // Kysely forgets the connection of a controlled transaction that has not begun.
      connection.release();
      throw error;
    }
  }

  async commitTransaction({ lent }: PooledConnection): Promise<void> {
    await lent.query('commit', []);
  }

  async rollbackTransaction({ lent }: PooledConnection): Promise<void> {
    try {
      await lent.query('rollback', []);
    } catch (error) {
      if (this.#options.isUndone?.(error) !== true) {
        throw error;
      }
    }
  }

  async savepoint({ lent }: PooledConnection, name: string): Promise<void> {
    await lent.query(`savepoint ${quoted(name)}`, []);
  }

  async rollbackToSavepoint({ lent }: PooledConnection, name: string): Promise<void> {
    await lent.query(`rollback to ${quoted(name)}`, []);
  }

  async releaseSavepoint({ lent }: PooledConnection, name: string): Promise<void> {
    await lent.query(`release ${quoted(name)}`, []);
  }

  async releaseConnection(connection: PooledConnection): Promise<void> {
    connection.release();
  }

  async destroy(): Promise<void> {
    await this.#pool.end();
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function resultOf<R>({ rows, changes, lastInsertRowid }: FileResult): QueryResult<R> {
  return {
    rows: rows as R[],
    ...(changes === undefined ? {} : { numAffectedRows: BigInt(changes) }),
    ...(lastInsertRowid === undefined ? {} : { insertId: BigInt(lastInsertRowid) }),
  };
}
