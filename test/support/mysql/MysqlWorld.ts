import type { MySqlDriver, SqlEntityManager } from '@mikro-orm/mysql';
import {
  currentTenant,
  type OtherManagerOptions,
  type Tenant,
  TenantOrmManager,
  type TenantStatus,
} from 'mikro-orm-multitenancy';
import { type MysqlOptions, type MysqlServerDatabases, mysqlDatabases } from 'mikro-orm-multitenancy/mysql';
import { catalogOver } from '../files/SqliteWorld.ts';
import { entities, tables } from '../isolation/entities.ts';
import { until } from '../manager/TestTenants.ts';
import type { MariaDb } from './MariaDb.ts';

export type MysqlManager = TenantOrmManager<Tenant, SqlEntityManager<MySqlDriver>>;

export interface MysqlWorldOptions {
  /** @default ['acme', 'globex'] */
  readonly ids?: readonly string[];
  readonly databases?: Partial<MysqlOptions>;
  readonly orm?: Partial<OtherManagerOptions<Tenant, MySqlDriver>['orm']>;
  readonly manager?: Partial<OtherManagerOptions<Tenant, MySqlDriver>>;
  /** Whether the databases have the tables of the entities, and rows. @default true */
  readonly isFilled?: boolean;
}

let worlds = 0;

/** Some tenants with equal primary keys, each with a database of one MariaDB, and a manager over them. */
export class MysqlWorld implements AsyncDisposable {
  readonly server: MariaDb;
  readonly databases: MysqlServerDatabases;
  /** What the catalogue has; tests change it there. */
  readonly tenants: readonly { -readonly [Column in keyof Tenant]: Tenant[Column] }[];
  readonly manager: MysqlManager;
  /** Statements that the ORMs sent, and the tenant in whose context they did. */
  readonly statements: { readonly tenantId: string | undefined; readonly text: string }[];

  private constructor(parts: Pick<MysqlWorld, 'server' | 'databases' | 'tenants' | 'manager' | 'statements'>) {
    this.server = parts.server;
    this.databases = parts.databases;
    this.tenants = parts.tenants;
    this.manager = parts.manager;
    this.statements = parts.statements;
  }

  static async create(server: MariaDb, options: MysqlWorldOptions = {}): Promise<MysqlWorld> {
    const { ids = ['acme', 'globex'], isFilled = true } = options;
    const databases = mysqlDatabases({ url: server.urlOf(), ...options.databases });
    worlds += 1;
    const tenants = ids.map((id) => ({ id, database: `${id}_${worlds}`, domains: [`${id}.com`] }));
    for (const { database } of tenants) {
      await server.query(`create database ${database} character set utf8mb4`);
    }
    const statements: { tenantId: string | undefined; text: string }[] = [];
    const manager = await TenantOrmManager.init({
      databases,
      catalog: catalogOver(tenants),
      ...options.manager,
      orm: {
        entities,
        debug: ['query'],
        colors: false,
        logger: (text) => statements.push({ tenantId: currentTenant()?.id, text }),
        ...options.orm,
      },
    });
    const world = new MysqlWorld({ server, databases, tenants, manager: manager as MysqlManager, statements });
    if (isFilled) {
      for (const { id } of tenants) {
        await using lease = await manager.acquire(id);
        await lease.orm.schema.create();
        await world.query(id, rowsOf(id));
      }
    }
    return world;
  }

  /** Another manager over the same databases, which the caller closes. */
  static async over(world: MysqlWorld, options: Pick<MysqlWorldOptions, 'orm' | 'databases'>): Promise<MysqlManager> {
    const databases = mysqlDatabases({ url: world.server.urlOf(), ...options.databases });
    const orm = { entities, ...options.orm };
    return (await TenantOrmManager.init({ databases, orm, catalog: catalogOver(world.tenants) })) as MysqlManager;
  }

  databaseOf(id: string): string {
    return this.tenants.find((tenant) => tenant.id === id)?.database ?? '';
  }

  /** As somebody changes it in the catalogue. */
  setStatus(id: string, status: TenantStatus): void {
    for (const tenant of this.tenants) {
      if (tenant.id === id) {
        tenant.status = status;
      }
    }
  }

  /** Works in a tenant's database around the library. */
  query<R = Record<string, unknown>>(id: string, sql: string): Promise<R[]> {
    return this.server.query<R>(sql, this.databaseOf(id));
  }

  async count(id: string, table: string): Promise<number> {
    const [row] = await this.query<{ n: number }>(id, `select count(*) as n from ${table}`);
    return row?.n ?? 0;
  }

  async people(): Promise<Record<string, number>> {
    const counts = this.tenants.map(async ({ id }) => [id, await this.count(id, 'person')] as const);
    return Object.fromEntries(await Promise.all(counts));
  }

  /** Which tenant's database an EntityManager reaches, by what the server says. */
  async reached(em: unknown): Promise<string | undefined> {
    const sql = em as { execute(query: string): Promise<{ name: string }[]> };
    const [row] = await sql.execute('select database() as name');
    return this.tenants.find(({ database }) => database === row?.name)?.id;
  }

  /** Puts the rows back to what they were. */
  async reset(): Promise<void> {
    await Promise.all(
      this.tenants.map(({ id }) => {
        const empty = tables.map((table) => `delete from ${table};`).join('');
        return this.query(id, `set foreign_key_checks = 0; ${empty} set foreign_key_checks = 1; ${rowsOf(id)}`);
      }),
    );
  }

  /** Throws unless every lease is released and every connection is given back, those included that are being reset. */
  async assertNothingHeld(): Promise<void> {
    await until(async () => {
      const { leases, servers } = this.manager.stats();
      const { requests, reserved } = servers['default'] as (typeof servers)[string];
      return leases + requests.inUse + requests.waiting + reserved.inUse + reserved.waiting === 0;
    }, 'the test left leases, or connections in use or waited for');
  }

  /** Throws when a lease or a session is left. */
  async [Symbol.asyncDispose](): Promise<void> {
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
