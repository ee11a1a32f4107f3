import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { SqlEntityManager, SqliteDriver } from '@mikro-orm/sqlite';
import {
  currentTenant,
  type OtherManagerOptions,
  type Tenant,
  type TenantCatalog,
  TenantOrmManager,
  type TenantStatus,
} from 'mikro-orm-multitenancy';
import type { FilesOptions, SqliteFiles } from 'mikro-orm-multitenancy/sqlite';
import { entities, tables } from '../isolation/entities.ts';
import { type Kind, SQLITE, type SqliteFile } from './kinds.ts';

export type SqliteManager = TenantOrmManager<Tenant, SqlEntityManager<SqliteDriver>>;

export interface SqliteWorldOptions {
  /** @default SQLITE */
  readonly kind?: Kind;
  /** @default ['acme', 'globex'] */
  readonly ids?: readonly string[];
  readonly files?: Partial<FilesOptions>;
  readonly orm?: Partial<OtherManagerOptions<Tenant, SqliteDriver>['orm']>;
  readonly manager?: Partial<OtherManagerOptions<Tenant, SqliteDriver>>;
  /** Whether the databases have the tables of the entities, and rows. @default true */
  readonly isFilled?: boolean;
}

/** Some tenants with equal primary keys, their files in a folder of their own, and a manager over them. */
export class SqliteWorld implements AsyncDisposable {
  readonly kind: Kind;
  readonly folder: string;
  readonly databases: SqliteFiles<SqliteDriver>;
  /** What the catalogue has; tests change it there. */
  readonly tenants: readonly { -readonly [Column in keyof Tenant]: Tenant[Column] }[];
  readonly manager: SqliteManager;
  /** Statements that the ORMs sent, and the tenant in whose context they did. */
  readonly statements: { readonly tenantId: string | undefined; readonly text: string }[];

  private constructor(
    parts: Pick<SqliteWorld, 'kind' | 'folder' | 'databases' | 'tenants' | 'manager' | 'statements'>,
  ) {
    this.kind = parts.kind;
    this.folder = parts.folder;
    this.databases = parts.databases;
    this.tenants = parts.tenants;
    this.manager = parts.manager;
    this.statements = parts.statements;
  }

  static async create(options: SqliteWorldOptions = {}): Promise<SqliteWorld> {
    const { ids = ['acme', 'globex'], isFilled = true, kind = SQLITE } = options;
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'tenancy-sqlite-')));
    const databases = kind.databasesOf({ folder, ...options.files });
    const tenants = ids.map((id) => ({ id, database: `${id}_db`, domains: [`${id}.com`] }));
    for (const { database } of tenants) {
      await databases.create(database);
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
    const world = new SqliteWorld({ kind, folder, databases, tenants, manager: manager as SqliteManager, statements });
    if (isFilled) {
      for (const { id } of tenants) {
        await world.fill(id);
      }
    }
    return world;
  }

  /** Another manager over the same files, which the caller closes. */
  static async over(world: SqliteWorld, options: Pick<SqliteWorldOptions, 'orm'>): Promise<SqliteManager> {
    const { databases, tenants } = world;
    const orm = { entities, ...options.orm };
    return (await TenantOrmManager.init({ databases, orm, catalog: catalogOver(tenants) })) as SqliteManager;
  }

  /** As somebody changes it in the catalogue. */
  setStatus(id: string, status: TenantStatus): void {
    for (const tenant of this.tenants) {
      if (tenant.id === id) {
        tenant.status = status;
      }
    }
  }

  pathOf(id: string): string {
    return join(this.folder, `${id}_db.sqlite`);
  }

  /** Makes the tables, and rows with the same primary keys for every tenant; each text begins with the tenant's id. */
  async fill(id: string): Promise<void> {
    await using lease = await this.manager.acquire(id);
    await lease.orm.schema.create();
    this.query(id, (database) => {
      for (const n of [1, 2, 3]) {
        database.exec(`insert into person (id, name) values (${n}, '${id} person ${n}');
          insert into tag (id, name) values (${n}, '${id} tag ${n}');
          insert into house (id, address, facts, listed_at, owner_id, agent_id)
            values (${n}, '${id} house ${n}', '{}', 0, ${n}, 1);
          insert into room (id, name, house_id) values (${n}, '${id} room ${n}', ${n});
          insert into house_tags values (${n}, ${n});`);
      }
    });
  }

  /** Empties the tables and fills them again. */
  async reset(): Promise<void> {
    for (const { id } of this.tenants) {
      this.query(id, (database) => {
        database.exec('pragma foreign_keys = off');
        for (const table of tables) {
          database.exec(`drop table if exists ${table}`);
        }
      });
      await this.fill(id);
    }
  }

  /** Works in a tenant's file around the library. */
  query<R>(id: string, work: (database: SqliteFile) => R): R {
    const database = this.kind.open(this.pathOf(id), 5_000);
    try {
      return work(database);
    } finally {
      database.close();
    }
  }

  count(id: string, table: string): number {
    return this.query(
      id,
      (database) => (database.prepare(`select count(*) n from ${table}`).all([])[0] as { n: number }).n,
    );
  }

  /** Throws unless every lease is released and every connection is given back. */
  assertNothingHeld(): void {
    const { leases, servers } = this.manager.stats();
    const { requests, reserved } = servers['default'] as (typeof servers)[string];
    const held = requests.inUse + requests.waiting + reserved.inUse + reserved.waiting;
    if (leases !== 0 || held !== 0) {
      throw new Error(`The test left ${leases} leases and ${held} connections in use or waited for.`);
    }
  }

  /** Throws when a lease or an open file is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { leases } = this.manager.stats();
    await this.manager.close();
    const { requests, reserved } = this.manager.stats().servers['default'] as ReturnType<
      SqliteManager['stats']
    >['servers'][string];
    const open = requests.open + requests.closing + reserved.open + reserved.closing;
    const dropped = await Promise.allSettled(this.tenants.map(({ database }) => this.databases.drop(database)));
    await rm(this.folder, { recursive: true, force: true });
    if (leases !== 0 || open !== 0 || dropped.some(({ status }) => status === 'rejected')) {
      throw new Error(`The tests left ${leases} leases and ${open} open files.`);
    }
  }
}

/** Which tenant's file an EntityManager reaches. */
export async function fileReached(em: unknown): Promise<string> {
  const sql = em as { execute(query: string): Promise<{ name: string; file: string }[]> };
  const main = (await sql.execute('pragma database_list')).find(({ name }) => name === 'main');
  return basename(main?.file ?? '', '_db.sqlite');
}

/** Gives each tenant as it is at the moment. */
export function catalogOver(tenants: readonly Tenant[]): TenantCatalog {
  return {
    find: async (id) => tenants.find((tenant) => tenant.id === id),
    findByDomain: async (domain) => tenants.find(({ domains }) => domains?.includes(domain)),
    list: async () => ({ tenants, next: undefined }),
  };
}
