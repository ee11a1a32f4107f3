import type { PostgresServer } from '../connections/PostgresServer.ts';
import { type LentConnection, TenantPool } from '../connections/TenantPool.ts';
import { Turns } from '../connections/Turns.ts';
import { quoteIdentifier } from '../tenant/databaseName.ts';
import type { CreationStrategy } from './creationStrategy.ts';
import {
  allow,
  allowWhere,
  closing,
  commentOn,
  createBy,
  type DatabaseInfo,
  infoOf,
  marksOf,
  renameTo,
  terminateAll,
} from './databaseStatements.ts';

export interface NewDatabase {
  readonly template: string;
  readonly strategy: CreationStrategy;
  /** What the database is known by, whatever its name is later. */
  readonly mark: string;
  /** The database that this one is to become: where that is there, there is nothing to create. */
  readonly unless?: string;
}

/** In place of a tenant's id where errors, events and PostgreSQL's `application_name` want one. No tenant can have it. */
const ADMIN_ID = '(provisioning)';

/** Of our own, beside a hash of a name. */
const LOCK_CLASS = 0x6d6f_7470;

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
      const there = await marksOf(session, [name, to]);
      if (there.get(to) === database.mark) {
        return;
      }
      if (!there.has(name)) {
        await createBy(session, name, database.template, database.strategy);
      }
      await renameTo(session, name, to, { tenantId, before: closing(name, database.mark) });
    });
  }

  /**
   * Creates the database unless it is there, marked, and closed to everybody but its owner. Gives `false`, and does nothing,
   * where `unless` is there.
   */
  async create(name: string, { template, strategy, mark, unless }: NewDatabase): Promise<boolean> {
    return this.locked(name, async (session) => {
      const there = await marksOf(session, unless === undefined ? [name] : [name, unless]);
      if (unless !== undefined && there.has(unless)) {
        return false;
      }
      if (!there.has(name)) {
        await createBy(session, name, template, strategy);
      }
      await session.query(closing(name, there.get(name) ?? mark), []);
      return true;
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
      if ((await marksOf(session, [name])).get(name) === mark) {
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
      if ((await marksOf(session, [to])).get(to) === mark) {
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
