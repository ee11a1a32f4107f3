import pg from 'pg';

export function openPool(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: 4 });
  // An idle connection that is lost would end the process.
  pool.on('error', () => {});
  return pool;
}
