import type { MigrationRow } from '@mikro-orm/core';
import { BaseMySqlPlatform, type MikroORM } from '@mikro-orm/postgresql';
import { quoteByBackticks, quoteIdentifier } from '../tenant/databaseName.ts';

/** What reading the list of a database needs of its session. */
export interface QuerySession {
  query(text: string, parameters: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

/** SQLSTATE undefined_table, and what MySQL calls it. */
const UNDEFINED_TABLE: ReadonlySet<unknown> = new Set(['42P01', 'ER_NO_SUCH_TABLE']);

/** The migrations of the session's database in the order of their application, by {@link executedNames}, with their times. */
export async function executedMigrations(
  session: QuerySession,
  orm: Pick<MikroORM, 'config'>,
): Promise<MigrationRow[]> {
  // A time of MySQL's has no zone; it is the session's.
  const time = isMysql(orm) ? 'cast(unix_timestamp(executed_at) * 1000 as signed) as executed_at' : 'executed_at';
  const rows = await listed(session, `id, name, ${time}`, migrationsTable(orm));
  return (rows as readonly { id: number; name: string; executed_at: string | number }[]).map(
    ({ id, name, executed_at }) => ({ id, name: bare(name), executed_at: new Date(executed_at) }),
  );
}

/**
 * The names of the migrations that were applied to the session's database, in the order of their application; none where
 * it has no list of them. One select: MikroORM's own storage registers an entity in a global list for every call. Not for
 * use in a transaction, which the missing list would abort.
 */
export async function executedNames(session: QuerySession, table: string): Promise<string[]> {
  return ((await listed(session, 'name', table)) as readonly { name: string }[]).map(({ name }) => bare(name));
}

async function listed(session: QuerySession, columns: string, table: string): Promise<readonly unknown[]> {
  try {
    return (await session.query(`select ${columns} from ${table} order by id`, [])).rows;
  } catch (error) {
    const { code, message } = error as { readonly code?: unknown; readonly message?: string };
    // SQLite has one code for all that is wrong in a statement.
    if (UNDEFINED_TABLE.has(code) || message?.startsWith('no such table: ') === true) {
      return [];
    }
    throw error;
  }
}

/** Names were written with the ending of their files once. */
const bare = (name: string): string => name.replace(/\.[jt]s$/, '');

const isMysql = ({ config }: Pick<MikroORM, 'config'>): boolean => config.getPlatform() instanceof BaseMySqlPlatform;

/** Where MikroORM keeps its list, quoted, by the same options as its own storage. */
export function migrationsTable(orm: Pick<MikroORM, 'config'>): string {
  const { config } = orm;
  const { tableName = 'mikro_orm_migrations', schema } = config.get('migrations');
  if (isMysql(orm)) {
    // A schema is another database there, and is refused at `init`.
    return quoteByBackticks(tableName);
  }
  const [first = '', second] = tableName.split('.');
  const table = quoteIdentifier(second ?? first);
  const fallback = config.getPlatform().getDefaultSchemaName();
  const schemaName = schema ?? (second === undefined ? config.get('schema') : first) ?? fallback;
  return schemaName === undefined ? table : `${quoteIdentifier(schemaName)}.${table}`;
}
