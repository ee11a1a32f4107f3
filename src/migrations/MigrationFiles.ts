import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { MigrationInfo } from '@mikro-orm/core';
import type { MikroORM } from '@mikro-orm/postgresql';

/** One migration that the application knows, and what its source comes to. */
export interface KnownMigration extends MigrationInfo {
  /** `ts:`, `js:` or `class:`, and the SHA-256 of the source. Two of different kinds say nothing of each other. */
  readonly checksum: string;
}

/** What MikroORM's migrator does to find migrations; it has no public way that asks no database. */
interface Discovery {
  /** Where the folder is. The same as `initPaths`, which creates it. */
  resolvePaths(): Promise<void>;
  discoverMigrations(): Promise<readonly MigrationInfo[]>;
}

/** The migrations that the application knows. They are the same for every tenant, so that the template's ORM finds them. */
export class MigrationFiles {
  readonly #orm: MikroORM;

  /** `orm` is one that need not be connected. */
  constructor(orm: MikroORM) {
    this.#orm = orm;
  }

  /** The migrations in the order in which they are applied. Reads the folder, and no database. */
  async list(): Promise<MigrationInfo[]> {
    const discovery = this.#orm.migrator as unknown as Discovery;
    await discovery.resolvePaths();
    const migrations = await discovery.discoverMigrations();
    return migrations.map(({ name, path }) => (path === undefined ? { name } : { name, path }));
  }

  /** The same with their checksums. Reads each file once. */
  async withChecksums(): Promise<KnownMigration[]> {
    const classes = this.#orm.config.get('migrations').migrationsList ?? [];
    const migrations = await this.list();
    return Promise.all(
      migrations.map(async (migration, n) => {
        const { path } = migration;
        const checksum = path === undefined ? checksumOf('class', sourceOf(classes[n])) : await checksumOfFile(path);
        return { ...migration, checksum };
      }),
    );
  }
}

async function checksumOfFile(path: string): Promise<string> {
  return checksumOf(/\.[cm]?ts$/.test(path) ? 'ts' : 'js', await readFile(path, 'utf8'));
}

function sourceOf(migration: unknown): string {
  return String(typeof migration === 'function' ? migration : (migration as { readonly class: unknown }).class);
}

/** Without its carriage returns: a checkout on another system is no edit. */
function checksumOf(kind: 'ts' | 'js' | 'class', source: string): string {
  return `${kind}:${createHash('sha256').update(source.replaceAll('\r\n', '\n')).digest('hex')}`;
}
