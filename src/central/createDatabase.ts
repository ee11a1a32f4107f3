import type { TenantPool } from '../connections/TenantPool.ts';
import { quoteIdentifier } from '../tenant/databaseName.ts';

/** SQLSTATE duplicate_database and unique_violation: another process was faster. */
const EXISTS = new Set(['42P04', '23505']);

/** Creates the database unless it is there. `pool` is of a maintenance database of the same server. */
export async function createDatabase(pool: TenantPool, database: string): Promise<void> {
  const connection = await pool.connect();
  try {
    const { rows } = await connection.query('select 1 from pg_database where datname = $1', [database]);
    if (rows.length > 0) {
      return;
    }
    try {
      await connection.query(`create database ${quoteIdentifier(database)}`, []);
    } catch (error) {
      if (EXISTS.has((error as { readonly code?: string }).code ?? '')) {
        return;
      }
      throw error;
    }
    // A new database lets every role of the server connect.
    await connection.query(`revoke connect, temporary on database ${quoteIdentifier(database)} from public`, []);
  } finally {
    connection.release();
  }
}
