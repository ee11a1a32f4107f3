import type { LibSqlDriver } from '@mikro-orm/libsql';
import Database from 'libsql';
import { type LibsqlOptions, libsqlDatabases } from 'mikro-orm-multitenancy/libsql';
import { FilesWorld, makeFiles, refill } from '../files/FilesWorld.ts';
import { type KindOptions, openKind } from '../kinds/KindWorld.ts';

export interface LibsqlWorldOptions extends KindOptions<LibSqlDriver> {
  readonly files?: Partial<LibsqlOptions>;
}

/** Tenants with a file of libSQL each, which nobody else can open while the manager has it open. */
export class LibsqlWorld extends FilesWorld<LibSqlDriver> {
  static async create(options: LibsqlWorldOptions = {}): Promise<LibsqlWorld> {
    const { ids = ['acme', 'globex'], isFilled = true } = options;
    const made = await makeFiles(ids, '.db', (folder) => libsqlDatabases({ folder, ...options.files }));
    const world = new LibsqlWorld(made, await openKind(made.databases, made.tenants, options));
    for (const id of isFilled ? ids : []) {
      await world.fill(id);
    }
    return world;
  }

  override async fill(id: string): Promise<void> {
    {
      await using lease = await this.manager.acquire(id);
      await lease.orm.schema.create();
    }
    await this.refill(id);
  }

  override async reset(): Promise<void> {
    for (const { id } of this.tenants) {
      await this.refill(id);
    }
  }

  async refill(id: string): Promise<void> {
    await this.around(id, (database) => database.exec(refill(id)));
  }

  /** Works in a tenant's file around the library, which has to close it. */
  async around<R>(id: string, work: (database: Database.Database) => R): Promise<R> {
    await this.manager.evict(id);
    const database = new Database(this.pathOf(id));
    try {
      return work(database);
    } finally {
      database.close();
    }
  }

  override async rows<R>(id: string, sql: string): Promise<R[]> {
    return this.around(id, (database) => database.prepare(sql).all() as R[]);
  }

  override async count(id: string, table: string): Promise<number> {
    const [row] = await this.rows<{ n: number }>(id, `select count(*) n from ${table}`);
    return row?.n ?? NaN;
  }
}
