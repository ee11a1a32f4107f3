import type { Middleware } from 'koa';

/** One application: what users of an ORM write to have a database for each tenant. */
export interface Side {
  /** Puts the tenant of the Host into the context of what follows. */
  readonly middleware: Middleware;
  /** All rows of a table of the current tenant, in the order of their keys. */
  list(table: number): Promise<unknown>;
  close(): Promise<unknown>;
}

export interface SideOptions {
  /** The PostgreSQL server, without a database. */
  readonly url: string;
  /** Of the tenants t0, t1 and so on, in their order. */
  readonly databases: readonly string[];
  /** Of the whole process, for those who can hold to it. */
  readonly maxConnections: number;
  readonly maxConnectionsPerTenant: number;
  readonly idleTimeoutMs: number;
  /** The least recently used tenant is closed when more than so many are open. @default none is ever closed */
  readonly maxOpenTenants?: number | undefined;
}
