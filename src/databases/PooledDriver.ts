import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely';
import { contextFree } from '../orm/contextFree.ts';
import type { OrmPool } from '../orm/OrmKind.ts';
import { quoteIdentifier } from '../tenant/databaseName.ts';

/** What one statement gave. */
export interface StatementResult {
  readonly rows: unknown[];
  /** How many rows it changed; of a statement that changes some. */
  readonly changes?: number | bigint | undefined;
  /** The last key that was given; of a statement without rows. */
  readonly lastInsertRowid?: number | bigint | undefined;
}

/** What the pool lends. */
export interface LentDatabase {
  query(text: string, parameters: readonly unknown[]): Promise<StatementResult>;
  stream(text: string, parameters: readonly unknown[]): AsyncIterableIterator<unknown>;
  release(): void;
  /** The statements by which another connection ends what this one does, or ends it; where there are such. */
  readonly cancelledBy?: { readonly query: string; readonly session: string } | undefined;
}

/** A statement as Kysely sends it, on what the pool has lent. */
class PooledConnection implements DatabaseConnection {
  readonly lent: LentDatabase;
  #isReleased = false;

  constructor(lent: LentDatabase) {
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

/** The same where the database ends a statement when another connection says so: what `inflightQueryAbortStrategy` asks for. */
class CancellableConnection extends PooledConnection {
  readonly #pool: OrmPool;
  readonly #by: NonNullable<LentDatabase['cancelledBy']>;

  constructor(lent: LentDatabase, by: NonNullable<LentDatabase['cancelledBy']>, pool: OrmPool) {
    super(lent);
    this.#by = by;
    this.#pool = pool;
  }

  cancelQuery(): Promise<void> {
    return this.#send(this.#by.query);
  }

  killSession(): Promise<void> {
    return this.#send(this.#by.session);
  }

  async #send(text: string): Promise<void> {
    // Kysely would send it behind the statement that it is to end, in a transaction.
    const other = (await this.#pool.connect()) as LentDatabase;
    try {
      await other.query(text, []);
    } finally {
      other.release();
    }
  }
}

export interface PooledDriverOptions {
  /** The statements by which a transaction begins. */
  readonly begin: (settings: TransactionSettings) => readonly string[];
  /** Quotes the name of a savepoint. @default by double quotes */
  readonly quote?: (name: string) => string;
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
    const lent = (await this.#pool.connect()) as LentDatabase;
    const { cancelledBy } = lent;
    return cancelledBy === undefined
      ? new PooledConnection(lent)
      : new CancellableConnection(lent, cancelledBy, this.#pool);
  }

  async beginTransaction(connection: PooledConnection, settings: TransactionSettings): Promise<void> {
    try {
      for (const statement of this.#options.begin(settings)) {
        await connection.lent.query(statement, []);
      }
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
    await lent.query(`savepoint ${this.#quoted(name)}`, []);
  }

  async rollbackToSavepoint({ lent }: PooledConnection, name: string): Promise<void> {
    await lent.query(`rollback to savepoint ${this.#quoted(name)}`, []);
  }

  async releaseSavepoint({ lent }: PooledConnection, name: string): Promise<void> {
    await lent.query(`release savepoint ${this.#quoted(name)}`, []);
  }

  #quoted(name: string): string {
    return (this.#options.quote ?? quoteIdentifier)(name);
  }

  async releaseConnection(connection: PooledConnection): Promise<void> {
    connection.release();
  }

  async destroy(): Promise<void> {
    await this.#pool.end();
  }
}

function resultOf<R>({ rows, changes, lastInsertRowid }: StatementResult): QueryResult<R> {
  return {
    rows: rows as R[],
    ...(changes === undefined ? {} : { numAffectedRows: BigInt(changes) }),
    ...(lastInsertRowid === undefined ? {} : { insertId: BigInt(lastInsertRowid) }),
  };
}
