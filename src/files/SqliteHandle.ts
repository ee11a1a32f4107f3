/** One open database, as `better-sqlite3` has it. Everything is synchronous. */
export interface SqliteHandle {
  readonly inTransaction: boolean;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

export interface SqliteStatement {
  /** Whether it gives rows. */
  readonly reader: boolean;
  all(parameters: readonly unknown[]): unknown[];
  run(parameters: readonly unknown[]): {
    readonly changes: number | bigint;
    readonly lastInsertRowid: number | bigint;
  };
  iterate(parameters: readonly unknown[]): IterableIterator<unknown>;
}

export interface SqliteOpenOptions {
  /** Whether nothing can be written. */
  readonly isReadOnly: boolean;
  /** Whether the file has to be there. */
  readonly mustExist: boolean;
}

/** Opens the file at `path`. Throws what the package throws; never waits for a lock, for everybody would wait with it. */
export type OpenSqlite = (path: string, options: SqliteOpenOptions) => SqliteHandle;

/** Undoes what is open, and closes. */
export function closeHandle(handle: SqliteHandle): void {
  try {
    if (handle.inTransaction) {
      handle.prepare('rollback').run([]);
    }
  } finally {
    handle.close();
  }
}

/** Whether another connection holds a lock on the database, so that the statement has not run and can be sent again. */
export function isLocked(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return code === 'SQLITE_BUSY' || code === 'SQLITE_BUSY_RECOVERY';
}
