import type { PostgresServer } from '../../connections/PostgresServer.ts';

/** One database of one server. */
export interface DatabasePlace {
  readonly server: PostgresServer;
  readonly database: string;
}

export interface CopyProgress {
  /** The table that is over, as `public.house`. */
  readonly table: string;
  readonly rows: number;
  /** How many tables there are, and how many of them are over. */
  readonly tables: number;
  readonly done: number;
}

/** How the data gets from one database to another. */
export type CopyMethod = 'pg_dump' | 'stream';

export interface CopyOptions {
  readonly tenantId: string;
  readonly from: DatabasePlace;
  /** An empty database. A copy that fails leaves it for the caller to drop. */
  readonly to: DatabasePlace;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
}

/** What was copied. */
export interface CopyReport {
  readonly by: CopyMethod;
  readonly tables: readonly { readonly table: string; readonly rows: number }[];
}

/** One thing in which two databases differ. */
export interface CopyDifference {
  readonly what: 'rows' | 'sequence' | 'schema';
  /** As `public.house`. */
  readonly name: string;
  readonly source: string;
  readonly target: string;
}
