import type { LentConnection } from '../connections/TenantPool.ts';
import { TenantConflictError } from '../errors.ts';
import { quoteIdentifier } from '../tenant/databaseName.ts';
import { type CreationStrategy, fallbackOf, settingsOf } from './creationStrategy.ts';

/** Of one database of the server. */
export interface DatabaseInfo {
  readonly name: string;
  readonly takesConnections: boolean;
  /** What `DatabaseAdmin.create` or `DatabaseAdmin.mark` left on it. */
  readonly mark: string | undefined;
  readonly sessions: number;
}

/** SQLSTATEs. */
const DUPLICATE_DATABASE = '42P04';
const OBJECT_IN_USE = '55006';

/** How often sessions that are about to end are waited for before a rename. */
const RENAME_ATTEMPTS = 10;

const INFO = `
  select datname as name, datallowconn as "takesConnections", shobj_description(oid, 'pg_database') as mark,
    (select count(*)::int from pg_stat_activity where datid = pg_database.oid and usesysid is not null) as sessions
  from pg_database where datname = $1`;

/** The marks of those of these databases that are there. */
export async function marksOf(
  session: LentConnection,
  names: readonly string[],
): Promise<ReadonlyMap<string, string | undefined>> {
  const { rows } = await session.query(
    "select datname, shobj_description(oid, 'pg_database') as mark from pg_database where datname = any($1)",
    [names],
  );
  const found = rows as readonly { readonly datname: string; readonly mark: string | null }[];
  return new Map(found.map(({ datname, mark }) => [datname, mark ?? undefined]));
}

export async function infoOf(session: LentConnection, name: string): Promise<DatabaseInfo | undefined> {
  const { rows } = await session.query(INFO, [name]);
  const info = rows[0] as (Omit<DatabaseInfo, 'mark'> & { readonly mark: string | null }) | undefined;
  return info && { ...info, mark: info.mark ?? undefined };
}

export async function createBy(
  session: LentConnection,
  name: string,
  template: string,
  strategy: CreationStrategy,
): Promise<void> {
  try {
    for (const [setting, value] of Object.entries(settingsOf(strategy))) {
      await session.query('select set_config($1, $2, false)', [setting, value]);
    }
    const how = strategy === 'wal-log' ? 'wal_log' : 'file_copy';
    await session.query(
      `create database ${quoteIdentifier(name)} template ${quoteIdentifier(template)} strategy ${how}`,
      [],
    );
  } catch (error) {
    const other = fallbackOf(strategy, error);
    if (other === undefined) {
      throw error;
    }
    await createBy(session, name, template, other);
  }
}

export interface Renaming {
  readonly tenantId: string;
  /** Statements that come in the same transaction. */
  readonly before?: string;
}

/** Autovacuum may be at work there, and a session that was ended may take a moment to go. */
export async function renameTo(
  session: LentConnection,
  from: string,
  to: string,
  { tenantId, before = '' }: Renaming,
  attempt = 1,
): Promise<void> {
  try {
    await session.query(`${before}alter database ${quoteIdentifier(from)} rename to ${quoteIdentifier(to)}`, []);
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (code === DUPLICATE_DATABASE) {
      throw new TenantConflictError(tenantId, `the database name "${to}"`, { cause: error });
    }
    if (code !== OBJECT_IN_USE || attempt >= RENAME_ATTEMPTS) {
      throw error;
    }
    await terminateAll(session, from);
    await renameTo(session, from, to, { tenantId, before }, attempt + 1);
  }
}

/** A new database lets every role of the server connect, whatever its template does. */
export function closing(name: string, mark: string): string {
  return `${commentOn(name, mark)}; revoke connect, temporary on database ${quoteIdentifier(name)} from public; `;
}

/** Of clients. Autovacuum makes way by itself, and is nobody's to end but a superuser's. */
export async function terminateAll(session: LentConnection, name: string): Promise<void> {
  await session.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = $1 and usesysid is not null and pid <> pg_backend_pid()`,
    [name],
  );
}

/** Opens the one of them that is there: the rename may have failed. */
export async function allowWhere(session: LentConnection, names: readonly string[]): Promise<void> {
  const { rows } = await session.query('select datname from pg_database where datname = any($1) and not datallowconn', [
    names,
  ]);
  for (const { datname } of rows as readonly { readonly datname: string }[]) {
    await allow(session, datname, true);
  }
}

export async function allow(session: LentConnection, name: string, allowed: boolean): Promise<void> {
  await session.query(`alter database ${quoteIdentifier(name)} allow_connections ${allowed}`, []);
}

/** A mark is of our own making and has nothing to quote: no parameter can stand there. */
export function commentOn(database: string, mark: string): string {
  if (!/^[\w :.-]*$/.test(mark)) {
    throw new Error('A mark has letters, digits, spaces, and "_:.-" only.');
  }
  return `comment on database ${quoteIdentifier(database)} is '${mark}'`;
}
