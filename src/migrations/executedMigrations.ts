import type { MigrationRow } from '@mikro-orm/core';
import type { MikroORM } from '@mikro-orm/postgresql';
import { quoteIdentifier } from '../tenant/databaseName.ts';

/** What reading the list of a database needs of its session. */
export interface QuerySession {
  query(text: string, parameters: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

/** SQLSTATE undefined_table, and what MySQL calls it. */
const UNDEFINED_TABLE: ReadonlySet<unknown> = new Set(['42P01', 'ER_NO_SUCH_TABLE']);

/** A time of MySQL's has no zone; its sessions are in UTC. */
const WITHOUT_ZONE = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?$/;

/**
 * The migrations that were applied to the session's database, in the order of their application; none where it has no
 * list of them. One select: MikroORM's own storage registers an entity in a global list for every call. Not for use in
 * a transaction, which the missing list would abort.
 */
export async function executedMigrations(session: QuerySession, table: string): Promise<MigrationRow[]> {
  try {
    const { rows } = await session.query(`select id, name, executed_at from ${table} order by id`, []);
    return (rows as readonly { id: number; name: string; executed_at: string | number }[]).map(
      ({ id, name, executed_at }) => ({
        id,
        name: name.replace(/\.[jt]s$/, ''),
        executed_at: new Date(WITHOUT_ZONE.test(String(executed_at)) ? `${executed_at}Z` : executed_at),
      }),
    );
  } catch (error) {
    const { code, message } = error as { readonly code?: unknown; readonly message?: string };
    // SQLite has one code for all that is wrong in a statement.
    if (UNDEFINED_TABLE.has(code) || message?.startsWith('no such table: ') === true) {
      return [];
    }
    throw error;
  }
}

/** Where MikroORM keeps its list, quoted, by the same options as its own storage. */
export function migrationsTable({ config }: Pick<MikroORM, 'config'>): string {
  const { tableName = 'mikro_orm_migrations', schema } = config.get('migrations');
  const [first = '', second] = tableName.split('.');
  const platform = config.getPlatform();
  if (platform.quoteIdentifier('a') === '`a`') {
    // There a schema is another database, and is refused before.
    return `\`${tableName.replaceAll('`', '``')}\``;
  }
  const table = quoteIdentifier(second ?? first);
  const fallback = platform.getDefaultSchemaName();
  const schemaName = schema ?? (second === undefined ? config.get('schema') : first) ?? fallback;
  return schemaName === undefined ? table : `${quoteIdentifier(schemaName)}.${table}`;
}
