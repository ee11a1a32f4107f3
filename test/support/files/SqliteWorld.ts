import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { SqliteDriver } from '@mikro-orm/sqlite';
import type { FilesOptions, SqliteFiles } from 'mikro-orm-multitenancy/sqlite';
import { tables } from '../isolation/entities.ts';
import { type KindManager, type KindOptions, type KindParts, KindWorld, openKind } from '../kinds/KindWorld.ts';
import { type Kind, SQLITE, type SqliteFile } from './kinds.ts';

export interface SqliteWorldOptions extends KindOptions<SqliteDriver> {
  /** @default SQLITE */
  readonly kind?: Kind;
  readonly files?: Partial<FilesOptions>;
}

/** Some tenants with equal primary keys, their files in a folder of their own, and a manager over them. */
export class SqliteWorld extends KindWorld {
  readonly kind: Kind;
  readonly folder: string;
  readonly databases: SqliteFiles<SqliteDriver>;

  private constructor(own: Pick<SqliteWorld, 'kind' | 'folder' | 'databases'>, parts: KindParts) {
    super(parts);
    this.kind = own.kind;
    this.folder = own.folder;
    this.databases = own.databases;
  }

  static async create(options: SqliteWorldOptions = {}): Promise<SqliteWorld> {
    const { ids = ['acme', 'globex'], isFilled = true, kind = SQLITE } = options;
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'tenancy-sqlite-')));
    const databases = kind.databasesOf({ folder, ...options.files });
    const tenants = ids.map((id) => ({ id, database: `${id}_db`, domains: [`${id}.com`] }));
    for (const { database } of tenants) {
      await databases.create(database);
    }
    const world = new SqliteWorld({ kind, folder, databases }, await openKind(databases, tenants, options));
    for (const id of isFilled ? ids : []) {
      await world.fill(id);
    }
    return world;
  }

  override get place(): readonly [string, string] {
    return ['SQLite', this.folder];
  }

  override async another(options: Pick<SqliteWorldOptions, 'orm'>): Promise<KindManager> {
    return (await openKind(this.databases, this.tenants, options)).manager;
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
  override async reset(): Promise<void> {
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

  override async rows<R>(id: string, sql: string): Promise<R[]> {
    return this.query(id, (database) => database.prepare(sql).all([]) as R[]);
  }

  override count(id: string, table: string): number {
    return this.query(
      id,
      (database) => (database.prepare(`select count(*) n from ${table}`).all([])[0] as { n: number }).n,
    );
  }

  override assertNothingHeld(): void {
    const { leases } = this.manager.stats();
    if (leases + this.held !== 0) {
      throw new Error(`The test left ${leases} leases and ${this.held} connections in use or waited for.`);
    }
  }

  override async reached(em: object): Promise<string> {
    const sql = em as { execute(query: string): Promise<{ name: string; file: string }[]> };
    const main = (await sql.execute('pragma database_list')).find(({ name }) => name === 'main');
    return basename(main?.file ?? '', '_db.sqlite');
  }

  /** Throws when a lease or an open file is left. */
  override async [Symbol.asyncDispose](): Promise<void> {
    const { leases } = this.manager.stats();
    await this.manager.close();
    const { requests, reserved } = this.manager.stats().servers['default'] as ReturnType<
      KindManager['stats']
    >['servers'][string];
    const open = requests.open + requests.closing + reserved.open + reserved.closing;
    const dropped = await Promise.allSettled(this.tenants.map(({ database }) => this.databases.drop(database)));
    await rm(this.folder, { recursive: true, force: true });
    if (leases !== 0 || open !== 0 || dropped.some(({ status }) => status === 'rejected')) {
      throw new Error(`The tests left ${leases} leases and ${open} open files.`);
    }
  }
}
