import type { PostgresServer } from '../connections/PostgresServer.ts';
import { type LentConnection, TenantPool } from '../connections/TenantPool.ts';
import { Turns } from '../connections/Turns.ts';
import { TenantConflictError } from '../errors.ts';
import { quoteIdentifier } from '../tenant/databaseName.ts';
import { type CreationStrategy, fallbackOf, settingsOf } from './creationStrategy.ts';

export interface NewDatabase {
  readonly template: string;
  readonly strategy: CreationStrategy;
  /** What the database is known by, whatever its name is later. */
  readonly mark: string;
}

/** Of one database of the server. */
export interface DatabaseInfo {
  readonly name: string;
  readonly takesConnections: boolean;
  /** What {@link DatabaseAdmin.create} or {@link DatabaseAdmin.mark} left on it. */
  readonly mark: string | undefined;
  readonly sessions: number;
}

/** SQLSTATEs. */
const DUPLICATE_DATABASE = '42P04';
const OBJECT_IN_USE = '55006';

/** In place of a tenant's id where errors, events and PostgreSQL's `application_name` want one. No tenant can have it. */
const ADMIN_ID = '(provisioning)';

/** Of our own, beside a hash of a name. */
const LOCK_CLASS = 0x6d6f_7470;

/** How often sessions that are about to end are waited for before a rename. */
const RENAME_ATTEMPTS = 10;

const INFO = `
  select datname as name, datallowconn as "takesConnections", shobj_description(oid, 'pg_database') as mark,
    (select count(*)::int from pg_stat_activity where datid = pg_database.oid) as sessions
  from pg_database where datname = $1`;

/** Creates, renames, closes and drops the databases of one server, on maintenance sessions from its reserve. */
export class DatabaseAdmin {
  readonly server: PostgresServer;
  readonly #turns: Turns;
  readonly #pool: TenantPool;

  constructor(server: PostgresServer) {
    this.server = server;
    // One connection of the reserve is left for a migration.
    this.#turns = new Turns(Math.min(4, Math.max(1, server.maxMigrations)));
    const account = server.reserved({ tenantId: ADMIN_ID, database: server.maintenanceDatabase });
    this.#pool = new TenantPool(account, { graceMs: () => 0 });
  }

  /** Runs `work` on a session of the maintenance database, in turn. */
  async session<R>(work: (session: LentConnection) => Promise<R>): Promise<R> {
    return this.#turns.run(async () => {
      const session = await this.#pool.connect();
      try {
        return await work(session);
      } finally {
        session.release();
      }
    });
  }

  /** Opens a session in the background, for work that is about to come. */
  warm(): void {
    this.session(async () => {}).catch(() => {});
  }

  /**
   * The same while nobody else has the lock on `name`. A process that was killed keeps it until PostgreSQL is through
   * with its last statement, which may be a `CREATE DATABASE`.
   */
  async locked<R>(name: string, work: (session: LentConnection) => Promise<R>): Promise<R> {
    return this.session(async (session) => {
      await session.query('select pg_advisory_lock($1, hashtext($2))', [LOCK_CLASS, name]);
      try {
        return await work(session);
      } finally {
        await session.query('select pg_advisory_unlock($1, hashtext($2))', [LOCK_CLASS, name]);
      }
    });
  }

  async info(name: string): Promise<DatabaseInfo | undefined> {
    return this.session((session) => infoOf(session, name));
  }

  async list(prefix: string): Promise<string[]> {
    return this.session(async (session) => {
      const { rows } = await session.query(
        'select datname from pg_database where starts_with(datname, $1) order by 1',
        [prefix],
      );
      return rows.map(({ datname }: { datname: string }) => datname);
    });
  }

  /**
   * Creates the database unless it is there, and gives it the name `to` when it is whole: one with this name and mark is
   * the one that was asked for.
   */
  async createAs(
    to: string,
    name: string,
    { tenantId, ...database }: NewDatabase & { readonly tenantId: string },
  ): Promise<void> {
    await this.locked(name, async (session) => {
      if ((await infoOf(session, to))?.mark === database.mark) {
        return;
      }
      if ((await infoOf(session, name)) === undefined) {
        await createBy(session, name, database.template, database.strategy);
      }
      await renameTo(session, name, to, { tenantId, before: closing(name, database.mark) });
    });
  }

  /** Creates the database unless it is there, marked, and closed to everybody but its owner. */
  async create(name: string, { template, strategy, mark }: NewDatabase): Promise<void> {
    await this.locked(name, async (session) => {
      const there = await infoOf(session, name);
      if (there === undefined) {
        await createBy(session, name, template, strategy);
      }
      await session.query(closing(name, there?.mark ?? mark), []);
    });
  }

  /** Drops the database if it is there, and ends the sessions that it has. */
  async drop(name: string): Promise<void> {
    await this.locked(name, async (session) => {
      await session.query(`drop database if exists ${quoteIdentifier(name)} with (force)`, []);
    });
  }

  /** Drops the database if it is the one with this mark. */
  async dropMarked(name: string, mark: string): Promise<void> {
    await this.locked(name, async (session) => {
      if ((await infoOf(session, name))?.mark === mark) {
        await session.query(`drop database if exists ${quoteIdentifier(name)} with (force)`, []);
      }
    });
  }

  /**
   * Gives the database another name; whoever knows the old one alone does not reach it any more. Does nothing where the
   * one with this mark has the new name already. `isInUse`: whether there may be sessions, which are ended then.
   */
  async rename(
    from: string,
    to: string,
    {
      mark,
      tenantId,
      isInUse = false,
    }: { readonly mark: string; readonly tenantId: string; readonly isInUse?: boolean },
  ): Promise<void> {
    await this.locked(from, async (session) => {
      if ((await infoOf(session, to))?.mark === mark) {
        await (isInUse ? allow(session, to, true) : undefined);
        return;
      }
      if (isInUse) {
        await session.query(commentOn(from, mark), []);
        await allow(session, from, false);
        await terminateAll(session, from);
      }
      try {
        await renameTo(session, from, to, { tenantId });
      } finally {
        await (isInUse ? allowWhere(session, [from, to]) : undefined);
      }
    });
  }

  async sizeOf(name: string): Promise<number> {
    return this.session(async (session) => {
      const { rows } = await session.query('select pg_database_size($1::name)::float8 as size', [name]);
      return (rows[0] as { readonly size: number }).size;
    });
  }

  /** Whether anybody may connect. Those who are connected stay. */
  async allowConnections(name: string, allowed: boolean): Promise<void> {
    await this.session((session) => allow(session, name, allowed));
  }

  async mark(name: string, mark: string): Promise<void> {
    await this.session((session) => session.query(commentOn(name, mark), []));
  }

  async terminate(name: string): Promise<void> {
    await this.session((session) => terminateAll(session, name));
  }

  /** Turns away whoever waits, and cuts off what is under way after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    await this.#pool.close('manager closed', timeoutMs);
  }
}

async function infoOf(session: LentConnection, name: string): Promise<DatabaseInfo | undefined> {
  const { rows } = await session.query(INFO, [name]);
  const info = rows[0] as (Omit<DatabaseInfo, 'mark'> & { readonly mark: string | null }) | undefined;
  return info && { ...info, mark: info.mark ?? undefined };
}

async function createBy(
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

interface Renaming {
  readonly tenantId: string;
  /** Statements that come in the same transaction. */
  readonly before?: string;
}

/** Autovacuum may be at work there, and a session that was ended may take a moment to go. */
async function renameTo(
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
function closing(name: string, mark: string): string {
  return `${commentOn(name, mark)}; revoke connect, temporary on database ${quoteIdentifier(name)} from public; `;
}

async function terminateAll(session: LentConnection, name: string): Promise<void> {
  await session.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()',
    [name],
  );
}

/** Opens the one of them that is there: the rename may have failed. */
async function allowWhere(session: LentConnection, names: readonly string[]): Promise<void> {
  const { rows } = await session.query('select datname from pg_database where datname = any($1) and not datallowconn', [
    names,
  ]);
  for (const { datname } of rows as readonly { readonly datname: string }[]) {
    await allow(session, datname, true);
  }
}

async function allow(session: LentConnection, name: string, allowed: boolean): Promise<void> {
  await session.query(`alter database ${quoteIdentifier(name)} allow_connections ${allowed}`, []);
}

/** A mark is of our own making and has nothing to quote: no parameter can stand there. */
export function commentOn(database: string, mark: string): string {
  if (!/^[\w :.-]*$/.test(mark)) {
    throw new Error('A mark has letters, digits, spaces, and "_:.-" only.');
  }
  return `comment on database ${quoteIdentifier(database)} is '${mark}'`;
}
