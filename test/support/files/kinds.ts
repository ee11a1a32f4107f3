import type { SqliteDriver } from '@mikro-orm/sqlite';
import BetterSqlite3 from 'better-sqlite3';
import { type FilesOptions, type SqliteFiles, sqliteDatabases } from 'mikro-orm-multitenancy/sqlite';

/** What tests use of an open file. */
export interface SqliteFile {
  exec(sql: string): void;
  prepare(sql: string): {
    all(parameters: readonly unknown[]): unknown[];
    run(parameters: readonly unknown[]): unknown;
  };
  close(): void;
}

export interface Kind {
  readonly databasesOf: (options: FilesOptions) => SqliteFiles<SqliteDriver>;
  /** By the same library: two of them in one process take each other's locks away. */
  readonly open: (path: string, timeoutMs: number) => SqliteFile;
}

type Open = new (path: string, options: { readonly timeout: number }) => SqliteFile;

export const SQLITE: Kind = {
  databasesOf: sqliteDatabases,
  open: (path, timeout) => new (BetterSqlite3 as unknown as Open)(path, { timeout }),
};

/** Every kind runs the same suites. */
export const KINDS: readonly (readonly [name: string, kind: Kind])[] = [['SQLite', SQLITE]];
