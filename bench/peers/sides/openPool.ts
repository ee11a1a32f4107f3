import pg from 'pg';
import type { SideOptions } from './Side.ts';

export function openPool(connectionString: string, { maxConnectionsPerTenant, idleTimeoutMs }: SideOptions): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: maxConnectionsPerTenant, idleTimeoutMillis: idleTimeoutMs });
  // An idle connection that is lost would end the process.
  pool.on('error', () => {});
  return pool;
}
