import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { AbstractSqlDriver } from '@mikro-orm/postgresql';
import type { SqliteFiles } from 'mikro-orm-multitenancy/sqlite';
import { tables } from '../isolation/entities.ts';
import { type KindManager, type KindOptions, type KindParts, KindWorld, openKind } from '../kinds/KindWorld.ts';

/** A folder of its own, with a new file for each tenant. */
export interface MadeFiles<D extends AbstractSqlDriver> {
  readonly folder: string;
  readonly databases: SqliteFiles<D>;
  /** What the names of the files end with. */
  readonly ending: string;
  readonly tenants: { readonly id: string; readonly database: string; readonly domains: readonly string[] }[];
}

export async function makeFiles<D extends AbstractSqlDriver>(
  ids: readonly string[],
  ending: string,
  databasesOf: (folder: string) => SqliteFiles<D>,
): Promise<MadeFiles<D>> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'tenancy-files-')));
  const databases = databasesOf(folder);
  const tenants = ids.map((id) => ({ id, database: `${id}_db`, domains: [`${id}.com`] }));
  for (const { database } of tenants) {
    await databases.create(database);
  }
  return { folder, databases, ending, tenants };
}

/** Rows with the same primary keys for every tenant; each text begins with the tenant's id. */
const rowsOf = (id: string): readonly string[] =>
  [1, 2, 3].flatMap((n) => [
    `insert into person (id, name) values (${n}, '${id} person ${n}')`,
    `insert into tag (id, name) values (${n}, '${id} tag ${n}')`,
    `insert into house (id, address, facts, listed_at, owner_id, agent_id)
      values (${n}, '${id} house ${n}', '{}', 0, ${n}, 1)`,
    `insert into room (id, name, house_id) values (${n}, '${id} room ${n}', ${n})`,
    `insert into house_tags values (${n}, ${n})`,
  ]);

/** Empties the tables and fills them again. */
export const refill = (id: string): string =>
  [
    'pragma foreign_keys = off',
    'begin',
    ...tables.map((table) => `delete from ${table}`),
    ...rowsOf(id),
    'commit',
  ].join(';');

/** Some tenants with equal primary keys, their files in a folder of their own, and a manager over them. */
export abstract class FilesWorld<D extends AbstractSqlDriver> extends KindWorld {
  readonly folder: string;
  readonly databases: SqliteFiles<D>;
  readonly #ending: string;

  protected constructor({ folder, databases, ending }: MadeFiles<D>, parts: KindParts) {
    super(parts);
    this.folder = folder;
    this.databases = databases;
    this.#ending = ending;
  }

  /** Makes the tables, and rows with the same primary keys for every tenant. */
  abstract fill(id: string): Promise<void>;

  override get place(): readonly [string, string] {
    return [this.databases.kind, this.folder];
  }

  override async another(options: Pick<KindOptions<D>, 'orm'>): Promise<KindManager> {
    return (await openKind(this.databases, this.tenants, options)).manager;
  }

  pathOf(id: string): string {
    return join(this.folder, `${id}_db${this.#ending}`);
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
    return basename(main?.file ?? '', `_db${this.#ending}`);
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
