import { existsSync } from 'node:fs';
import { isAnyArrayBuffer } from 'node:util/types';
import Database from 'libsql';
import type { DatabaseOf } from '../databases/DatabaseServer.ts';
import { TenantConnectionError, TenantDatabaseMissingError } from '../errors.ts';
import { isLocked, type SqliteHandle, type SqliteStatement } from '../files/SqliteHandle.ts';
import { assertBindable } from './assertBindable.ts';
import type { ClosedHandles } from './ClosedHandles.ts';
import { ownFile } from './ownFile.ts';

/** Its methods take an array as all of the parameters. */
type Prepared = Database.Statement<[readonly unknown[]]>;

/**
 * The lock is taken when the file is opened, and kept: a statement that a lock refuses stays open in libSQL, and from then on
 * nothing is committed. Of these, which `exec` sends, nothing stays open. Another journal than this one would keep the lock
 * after the end.
 */
const OPEN =
  'pragma locking_mode = exclusive; begin exclusive; commit; pragma journal_mode = delete; pragma foreign_keys = on';

const READ_ONLY = 'pragma query_only = on';

/** The lock is let go by the first statement that reads. */
const LET_GO = 'pragma locking_mode = normal; select count(*) from sqlite_master';

/**
 * Opens the file at `path`, which nobody else has open then. Throws `TenantConnectionError` where somebody has, and
 * `TenantDatabaseMissingError` where the file is gone meanwhile: libSQL would make one.
 */
export function openLibsql(path: string, of: DatabaseOf, closed: ClosedHandles): SqliteHandle {
  const { tenantId, database: name, isReadOnly } = of;
  const free = ownFile(path);
  if (free === undefined) {
    throw new TenantConnectionError(
      tenantId,
      `${path} is open in another process, or by another manager of this one, and a file of libSQL has one at a time`,
    );
  }
  try {
    if (!existsSync(path)) {
      throw new TenantDatabaseMissingError(tenantId, name);
    }
    const database = new Database(path);
    try {
      database.exec(isReadOnly ? `${OPEN}; ${READ_ONLY}` : OPEN);
    } catch (error) {
      database.close();
      throw isLocked(error)
        ? new TenantConnectionError(tenantId, `another program has ${path} open`, { cause: error })
        : error;
    }
    return new LibsqlHandle(database, free, closed);
  } catch (error) {
    free();
    throw error;
  }
}

/** One open file, as `better-sqlite3` would have it. */
class LibsqlHandle implements SqliteHandle {
  readonly #free: () => void;
  readonly #closed: ClosedHandles;
  /** Let go when it is closed, so that it can be collected. */
  #database: Database.Database | undefined;

  constructor(database: Database.Database, free: () => void, closed: ClosedHandles) {
    this.#database = database;
    this.#free = free;
    this.#closed = closed;
  }

  /** Asked of a closed one, libSQL ends the process. */
  get inTransaction(): boolean {
    return this.#database?.inTransaction === true;
  }

  prepare(sql: string): SqliteStatement {
    if (this.#database === undefined) {
      throw new TypeError('The database connection is not open');
    }
    return new LibsqlStatement(this.#database.prepare<[readonly unknown[]]>(sql));
  }

  close(): void {
    const database = this.#database;
    if (database === undefined) {
      return;
    }
    this.#database = undefined;
    try {
      database.exec(LET_GO);
    } catch {
      // There is nobody to tell. What cannot be read any more is locked until it is collected, which it is not while this runs.
      setImmediate(() => this.#closed.collect());
    }
    database.close();
    this.#closed.add(database);
    this.#free();
  }
}

class LibsqlStatement implements SqliteStatement {
  readonly #prepared: Prepared;

  constructor(prepared: Prepared) {
    this.#prepared = prepared;
  }

  get reader(): boolean {
    return this.#prepared.reader;
  }

  all(parameters: readonly unknown[]): unknown[] {
    assertBindable(parameters);
    const rows = this.#prepared.all(parameters) as Record<string, unknown>[];
    for (const row of rows) {
      for (const column in row) {
        const value = row[column];
        if (typeof value === 'object' && isAnyArrayBuffer(value)) {
          row[column] = Buffer.from(value);
        }
      }
    }
    return rows;
  }

  run(parameters: readonly unknown[]): ReturnType<SqliteStatement['run']> {
    assertBindable(parameters);
    return this.#prepared.run(parameters);
  }

  /** Reads all of them first: an iterator that is left early would keep its statement open. */
  iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    return this.all(parameters).values();
  }
}
