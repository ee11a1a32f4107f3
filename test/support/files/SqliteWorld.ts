import type { SqliteDriver } from '@mikro-orm/sqlite';
import type { FilesOptions } from 'mikro-orm-multitenancy/sqlite';
import { type KindOptions, type KindParts, openKind } from '../kinds/KindWorld.ts';
import { FilesWorld, type MadeFiles, makeFiles, refill } from './FilesWorld.ts';
import { type Kind, SQLITE, type SqliteFile } from './kinds.ts';

export interface SqliteWorldOptions extends KindOptions<SqliteDriver> {
  /** @default SQLITE */
  readonly kind?: Kind;
  readonly files?: Partial<FilesOptions>;
}

/** Tenants with a file of SQLite each, which others may have open as well. */
export class SqliteWorld extends FilesWorld<SqliteDriver> {
  readonly kind: Kind;

  private constructor(kind: Kind, made: MadeFiles<SqliteDriver>, parts: KindParts) {
    super(made, parts);
    this.kind = kind;
  }

  static async create(options: SqliteWorldOptions = {}): Promise<SqliteWorld> {
    const { ids = ['acme', 'globex'], isFilled = true, kind = SQLITE } = options;
    const made = await makeFiles(ids, '.sqlite', (folder) => kind.databasesOf({ folder, ...options.files }));
    const world = new SqliteWorld(kind, made, await openKind(made.databases, made.tenants, options));
    for (const id of isFilled ? ids : []) {
      await world.fill(id);
    }
    return world;
  }

  override async fill(id: string): Promise<void> {
    await using lease = await this.manager.acquire(id);
    await lease.orm.schema.create();
    this.query(id, (database) => database.exec(refill(id)));
  }

  override async reset(): Promise<void> {
    for (const { id } of this.tenants) {
      this.query(id, (database) => database.exec(refill(id)));
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
}
