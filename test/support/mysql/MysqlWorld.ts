import type { MySqlDriver } from '@mikro-orm/mysql';
import { type MysqlOptions, type MysqlServerDatabases, mysqlDatabases } from 'mikro-orm-multitenancy/mysql';
import { tables } from '../isolation/entities.ts';
import { type KindManager, type KindOptions, type KindParts, KindWorld, openKind } from '../kinds/KindWorld.ts';
import { until } from '../manager/TestTenants.ts';
import type { MariaDb } from './MariaDb.ts';

export interface MysqlWorldOptions extends KindOptions<MySqlDriver> {
  readonly databases?: Partial<MysqlOptions>;
}

let worlds = 0;

/** Some tenants with equal primary keys, each with a database of one MariaDB, and a manager over them. */
export class MysqlWorld extends KindWorld {
  readonly server: MariaDb;
  readonly databases: MysqlServerDatabases;

  private constructor(own: Pick<MysqlWorld, 'server' | 'databases'>, parts: KindParts) {
    super(parts);
    this.server = own.server;
    this.databases = own.databases;
  }

  static async create(server: MariaDb, options: MysqlWorldOptions = {}): Promise<MysqlWorld> {
    const { ids = ['acme', 'globex'], isFilled = true } = options;
    const databases = mysqlDatabases({ url: server.urlOf(), ...options.databases });
    worlds += 1;
    const tenants = ids.map((id) => ({ id, database: `${id}_${worlds}`, domains: [`${id}.com`] }));
    for (const { database } of tenants) {
      await server.query(`create database ${database} character set utf8mb4`);
    }
    const world = new MysqlWorld({ server, databases }, await openKind(databases, tenants, options));
    for (const id of isFilled ? ids : []) {
      await using lease = await world.manager.acquire(id);
      await lease.orm.schema.create();
      await world.rows(id, rowsOf(id));
    }
    return world;
  }

  override get place(): readonly [string, string] {
    return ['MySQL', this.server.urlOf()];
  }

  override async another({
    databases,
    ...options
  }: Pick<MysqlWorldOptions, 'orm' | 'databases'>): Promise<KindManager> {
    const own = mysqlDatabases({ url: this.server.urlOf(), ...databases });
    return (await openKind(own, this.tenants, options)).manager;
  }

  override rows<R = Record<string, unknown>>(id: string, sql: string): Promise<R[]> {
    return this.server.query<R>(sql, this.databaseOf(id));
  }

  override async count(id: string, table: string): Promise<number> {
    const [row] = await this.rows<{ n: number }>(id, `select count(*) as n from ${table}`);
    return row?.n ?? 0;
  }

  override async reached(em: object): Promise<string> {
    const sql = em as { execute(query: string): Promise<{ name: string }[]> };
    const [row] = await sql.execute('select database() as name');
    return this.tenants.find(({ database }) => database === row?.name)?.id ?? 'none';
  }

  /** Puts the rows back to what they were. */
  override async reset(): Promise<void> {
    await Promise.all(
      this.tenants.map(({ id }) => {
        const empty = tables.map((table) => `delete from ${table};`).join('');
        return this.rows(id, `set foreign_key_checks = 0; ${empty} set foreign_key_checks = 1; ${rowsOf(id)}`);
      }),
    );
  }

  /** Waits for connections that are being reset. */
  override async assertNothingHeld(): Promise<void> {
    const what = 'the test left leases, or connections in use or waited for';
    await until(async () => this.manager.stats().leases + this.held === 0, what);
  }

  /** Throws when a lease or a session is left. */
  override async [Symbol.asyncDispose](): Promise<void> {
    const { leases } = this.manager.stats();
    await this.manager.close();
    const names = this.tenants.map(({ database }) => database);
    await until(async () => {
      const sessions = await this.server.sessions();
      return !sessions.some(({ db }) => names.includes(db ?? ''));
    }, 'the tests left sessions on the server');
    for (const name of names) {
      await this.server.query(`drop database if exists ${name}`);
    }
    if (leases !== 0) {
      throw new Error(`The tests left ${leases} leases.`);
    }
  }
}

/** Rows with the same primary keys for every tenant; each text begins with the tenant's id. */
function rowsOf(id: string): string {
  return [1, 2, 3]
    .map(
      (n) => `insert into person (id, name) values (${n}, '${id} person ${n}');
        insert into tag (id, name) values (${n}, '${id} tag ${n}');
        insert into house (id, address, facts, listed_at, owner_id, agent_id)
          values (${n}, '${id} house ${n}', '{"rooms": [1, 2]}', '2024-02-29 12:00:00', ${n}, 1);
        insert into room (id, name, house_id) values (${n}, '${id} room ${n}', ${n});
        insert into house_tags values (${n}, ${n});`,
    )
    .join('\n');
}
