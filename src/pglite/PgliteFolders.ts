import { randomBytes } from 'node:crypto';
import { cp, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { EntityManager, PgliteDriver } from '@mikro-orm/pglite';
import { createPostgreSqlTypeParsers } from '@mikro-orm/postgresql';
import { parse as parseArray } from 'postgres-array';
import type { DatabaseOf } from '../databases/DatabaseServer.ts';
import { TenancyConfigurationError, TenantDatabaseMissingError } from '../errors.ts';
import { databasePath } from '../files/fileName.ts';
import { findDatabase } from '../files/findDatabase.ts';
import { type CheckedOneUserOptions, checkOneUserOptions } from '../files/OneUserOptions.ts';
import { OTHER_DATABASES, type OtherDatabases, type OtherDatabasesParts } from '../orm/OtherDatabases.ts';
import { ownFolder } from './FolderOwner.ts';
import { PGLITE_DEFAULTS, type PgliteOptions } from './PgliteOptions.ts';
import { PgliteServer } from './PgliteServer.ts';
import { PgliteTenantDialect } from './PgliteTenantDialect.ts';

const KIND = 'PGlite';
/** The file that every data folder of PostgreSQL has. */
const MARK = 'PG_VERSION';

/** What it reads becomes what MikroORM expects, as its own connection sets it. */
const parsers = createPostgreSqlTypeParsers((value: string) => parseArray(value));

/** One data folder of PGlite for each tenant, in one folder: `databases` of `TenantOrmManager.init`. */
export class PgliteFolders implements OtherDatabases<PgliteDriver> {
  readonly kind = KIND;
  declare readonly '~driver'?: PgliteDriver;
  /** @internal */
  readonly [OTHER_DATABASES]: OtherDatabasesParts;
  readonly #options: CheckedOneUserOptions;

  /** @internal */
  constructor(options: PgliteOptions) {
    this.#options = checkOneUserOptions('pgliteDatabases', PGLITE_DEFAULTS, options);
    this[OTHER_DATABASES] = {
      orm: {
        name: KIND,
        driver: PgliteDriver,
        entityManager: EntityManager,
        dialect: (pool) => new PgliteTenantDialect(pool),
      },
      open: (events) => new PgliteServer({ kind: KIND, events, options: this.#options, open: (of) => this.#open(of) }),
    };
  }

  /**
   * Makes an empty database, which takes seconds, or with `from` a copy of another one, which takes a moment. Rejects with
   * `TenancyConfigurationError` where the database exists, where the other one is open, and for a name that is none of a
   * folder.
   */
  async create(database: string, { from }: { readonly from?: string | undefined } = {}): Promise<void> {
    const path = this.#pathOf(database);
    if (await this.exists(database)) {
      throw new TenancyConfigurationError(`The database "${database}" exists already. Choose another name.`);
    }
    await mkdir(this.#options.folder, { recursive: true });
    // No tenant's folder has a dot in its name.
    const making = join(this.#options.folder, `.making-${database}-${randomBytes(6).toString('hex')}`);
    try {
      await (from === undefined ? makeEmpty(making) : this.#copy(from, making));
      // Fails where somebody else has made it meanwhile.
      await rename(making, path);
    } finally {
      await rm(making, { recursive: true, force: true });
    }
  }

  /** Whether there is a database of this name. */
  async exists(database: string): Promise<boolean> {
    return isThere(this.#pathOf(database));
  }

  /**
   * Removes a database for good; does nothing where there is none. Rejects with `TenancyConfigurationError` while a process
   * has it open: call `manager.evict(id)` first.
   */
  async drop(database: string): Promise<void> {
    const path = this.#pathOf(database);
    if (await isThere(path)) {
      const free = await ownFolder(path);
      try {
        await rm(path, { recursive: true, force: true });
      } finally {
        await free();
      }
    }
  }

  async #copy(from: string, to: string): Promise<void> {
    const path = this.#pathOf(from);
    if (!(await isThere(path))) {
      throw new TenancyConfigurationError(`There is no database "${from}" to copy.`);
    }
    const free = await ownFolder(path);
    try {
      await cp(path, to, { recursive: true });
    } finally {
      await free();
    }
  }

  async #open({
    tenantId,
    database,
    isReadOnly,
  }: DatabaseOf): Promise<{ pglite: PGlite; closed: () => Promise<void> }> {
    const path = await findDatabase({ tenantId, database, folder: this.#options.folder, ending: '' });
    if (!(await isThere(path))) {
      // PGlite would make one of it.
      throw new TenantDatabaseMissingError(tenantId, database);
    }
    const closed = await ownFolder(path);
    try {
      const pglite = await PGlite.create({ dataDir: path, parsers });
      if (isReadOnly) {
        await pglite.query('set default_transaction_read_only = on');
      }
      return { pglite, closed };
    } catch (error) {
      await closed();
      throw error;
    }
  }

  #pathOf(database: string): string {
    return databasePath(this.#options.folder, database, '');
  }
}

async function makeEmpty(path: string): Promise<void> {
  const pglite = await PGlite.create({ dataDir: path });
  await pglite.close();
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await stat(join(path, MARK))).isFile();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as { readonly code?: string }).code ?? '')) {
      return false;
    }
    throw error;
  }
}
