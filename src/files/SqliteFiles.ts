import { mkdir, open, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AbstractSqlDriver } from '@mikro-orm/postgresql';
import { TenancyConfigurationError } from '../errors.ts';
import type { OrmKind } from '../orm/OrmKind.ts';
import { OTHER_DATABASES, type OtherDatabases, type OtherDatabasesParts } from '../orm/OtherDatabases.ts';
import { databasePath, LOCK_ENDING } from './fileName.ts';
import { SqliteTenantDialect } from './SqliteTenantDialect.ts';

export interface SqliteFilesParts extends Pick<OtherDatabasesParts, 'open'>, Pick<OrmKind, 'driver' | 'entityManager'> {
  readonly kind: string;
  /** Where the files are; absolute. */
  readonly folder: string;
  /** How the names of the files end, dot included. */
  readonly ending: string;
  /** Makes of a new and empty file what one that is opened has to be. @default nothing */
  readonly begin?: (path: string) => void;
  /**
   * Keeps others from opening the file until what it gives is called. Throws `TenancyConfigurationError` while somebody has
   * it open.
   */
  readonly own: (path: string, database: string) => () => void;
}

/** What SQLite keeps beside a database while it is open, and after a crash. */
const BESIDE = ['-wal', '-shm', '-journal'];

/** One file for each tenant, in one folder: `databases` of `TenantOrmManager.init`. */
export class SqliteFiles<D extends AbstractSqlDriver = AbstractSqlDriver> implements OtherDatabases<D> {
  readonly kind: string;
  declare readonly '~driver'?: D;
  /** @internal */
  readonly [OTHER_DATABASES]: OtherDatabasesParts;
  readonly #parts: SqliteFilesParts;

  /** @internal */
  constructor(parts: SqliteFilesParts) {
    const { kind, driver, entityManager, open: serve } = parts;
    this.kind = kind;
    this.#parts = parts;
    this[OTHER_DATABASES] = {
      orm: { name: kind, driver, entityManager, dialect: (pool) => new SqliteTenantDialect(pool) },
      open: serve,
    };
  }

  /**
   * Makes an empty database, and the folder where it is not there. Rejects with `TenancyConfigurationError` where the
   * database exists, and for a name that is none of a file.
   */
  async create(database: string): Promise<void> {
    const path = this.#pathOf(database);
    await mkdir(this.#parts.folder, { recursive: true });
    try {
      await (await open(path, 'wx')).close();
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== 'EEXIST') {
        throw error;
      }
      throw new TenancyConfigurationError(`The database "${database}" exists already. Choose another name.`);
    }
    // Nothing that a crash has left of an earlier database of this name is to become part of the new one.
    await this.#removeBeside(path);
    this.#parts.begin?.(path);
  }

  /** Whether there is a database of this name. */
  async exists(database: string): Promise<boolean> {
    try {
      return (await stat(this.#pathOf(database))).isFile();
    } catch (error) {
      if ((error as { readonly code?: unknown }).code === 'ENOENT') {
        return false;
      }
      throw error;
    }
  }

  /**
   * Removes a database for good; does nothing where there is none. Rejects with `TenancyConfigurationError` while this
   * process has it open. Of other processes it does not know, but for libSQL: see to it that none uses the tenant any more.
   */
  async drop(database: string): Promise<void> {
    const path = this.#pathOf(database);
    const { folder, ending, own } = this.#parts;
    const opened = await realpath(folder).catch(() => folder);
    const free = own(join(opened, database + ending), database);
    try {
      // First what could become part of a new database of this name.
      await this.#removeBeside(path);
      await rm(path, { force: true });
      await rm(path + LOCK_ENDING, { force: true });
    } finally {
      free();
    }
  }

  #pathOf(database: string): string {
    return databasePath(this.#parts.folder, database, this.#parts.ending);
  }

  async #removeBeside(path: string): Promise<void> {
    for (const ending of BESIDE) {
      await rm(path + ending, { force: true });
    }
  }
}
