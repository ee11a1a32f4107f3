import { mkdir, open, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AbstractSqlDriver } from '@mikro-orm/postgresql';
import { TenancyConfigurationError } from '../errors.ts';
import type { OrmKind } from '../orm/OrmKind.ts';
import { OTHER_DATABASES, type OtherDatabases, type OtherDatabasesParts } from '../orm/OtherDatabases.ts';
import { type CheckedFilesOptions, checkFilesOptions, type FilesOptions } from './FilesOptions.ts';
import { databasePath } from './fileName.ts';
import { OpenFiles } from './OpenFiles.ts';
import { closeHandle, type OpenSqlite } from './SqliteHandle.ts';
import { LOCK_ENDING, prepareSession, SqliteServer } from './SqliteServer.ts';
import { SqliteTenantDialect } from './SqliteTenantDialect.ts';

export interface SqliteFilesParts {
  /** The function that makes them, for messages. */
  readonly who: string;
  readonly kind: string;
  readonly driver: OrmKind['driver'];
  readonly entityManager: unknown;
  readonly ending: string;
  readonly openSqlite: OpenSqlite;
}

/** What SQLite keeps beside a database while it is open, and after a crash. */
const BESIDE = ['-wal', '-shm', '-journal'];

/** One file for each tenant, in one folder: `databases` of `TenantOrmManager.init`. */
export class SqliteFiles<D extends AbstractSqlDriver = AbstractSqlDriver> implements OtherDatabases<D> {
  readonly kind: string;
  declare readonly '~driver'?: D;
  /** @internal */
  readonly [OTHER_DATABASES]: OtherDatabasesParts;
  readonly #options: CheckedFilesOptions;
  readonly #parts: SqliteFilesParts;
  readonly #files = new OpenFiles();

  /** @internal */
  constructor(parts: SqliteFilesParts, options: FilesOptions) {
    const { who, kind, driver, entityManager, ending, openSqlite } = parts;
    this.kind = kind;
    this.#parts = parts;
    this.#options = checkFilesOptions(who, options);
    this[OTHER_DATABASES] = {
      orm: { name: kind, driver, entityManager, dialect: (pool) => new SqliteTenantDialect(pool) },
      open: (events) =>
        new SqliteServer({ kind, ending, openSqlite, events, options: this.#options, files: this.#files }),
    };
  }

  /**
   * Makes an empty database, and the folder where it is not there. Rejects with `TenancyConfigurationError` where the
   * database exists, and for a name that is none of a file.
   */
  async create(database: string): Promise<void> {
    const path = this.#pathOf(database);
    await mkdir(this.#options.folder, { recursive: true });
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
    const handle = this.#parts.openSqlite(path, { isReadOnly: false, mustExist: true });
    try {
      prepareSession(handle, false);
    } finally {
      closeHandle(handle);
    }
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
   * process has it open. Of other processes it does not know: see to it that none uses the tenant any more.
   */
  async drop(database: string): Promise<void> {
    const path = this.#pathOf(database);
    const opened = await realpath(this.#options.folder).catch(() => this.#options.folder);
    this.#files.assertClosed(join(opened, database + this.#parts.ending), database);
    // First what could become part of a new database of this name.
    await this.#removeBeside(path);
    await rm(path, { force: true });
    await rm(path + LOCK_ENDING, { force: true });
  }

  #pathOf(database: string): string {
    return databasePath(this.#options.folder, database, this.#parts.ending);
  }

  async #removeBeside(path: string): Promise<void> {
    for (const ending of BESIDE) {
      await rm(path + ending, { force: true });
    }
  }
}
