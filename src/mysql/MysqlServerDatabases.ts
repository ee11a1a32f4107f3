import { MySqlDriver, SqlEntityManager } from '@mikro-orm/mysql';
import type { Connection } from 'mysql2';
import { OpenCounts } from '../databases/OpenCounts.ts';
import { messageOf, TenancyConfigurationError } from '../errors.ts';
import { OTHER_DATABASES, type OtherDatabases, type OtherDatabasesParts } from '../orm/OtherDatabases.ts';
import { quoteByBackticks } from '../tenant/databaseName.ts';
import { assertNoSchemas } from './assertNoSchemas.ts';
import { assertMysqlName } from './databaseName.ts';
import { type CheckedMysqlOptions, checkMysqlOptions, type MysqlOptions } from './MysqlOptions.ts';
import { MysqlServer } from './MysqlServer.ts';
import { MysqlTenantDialect } from './MysqlTenantDialect.ts';
import { send } from './mysqlClient.ts';
import { administer } from './openMysql.ts';

const KIND = 'MySQL';

/** One database for each tenant, on one server of MySQL or MariaDB: `databases` of `TenantOrmManager.init`. */
export class MysqlServerDatabases implements OtherDatabases<MySqlDriver> {
  readonly kind = KIND;
  declare readonly '~driver'?: MySqlDriver;
  /** @internal */
  readonly [OTHER_DATABASES]: OtherDatabasesParts;
  readonly #options: CheckedMysqlOptions;
  readonly #open = new OpenCounts();

  /** @internal */
  constructor(options: MysqlOptions) {
    this.#options = checkMysqlOptions(options);
    this[OTHER_DATABASES] = {
      orm: {
        name: KIND,
        driver: MySqlDriver,
        entityManager: SqlEntityManager,
        dialect: (pool) => new MysqlTenantDialect(pool),
        assertOrm: assertNoSchemas,
      },
      open: (events, platform) =>
        new MysqlServer({
          events,
          options: this.#options,
          open: this.#open,
          reading: { jsonStrings: !platform.convertsJsonAutomatically(), timezone: platform.getTimezone() },
        }),
    };
  }

  /**
   * Makes an empty database, on one connection beside those that are counted. Rejects with `TenancyConfigurationError` where
   * it exists, for a name that is none of a tenant's database, and where the server refuses.
   */
  async create(database: string): Promise<void> {
    assertMysqlName(database);
    await this.#administer(`The database "${database}" cannot be created`, async (client) => {
      try {
        await send(client, `create database ${quoteByBackticks(database)} character set utf8mb4`);
      } catch (error) {
        if ((error as { readonly code?: unknown }).code === 'ER_DB_CREATE_EXISTS') {
          throw new TenancyConfigurationError(`The database "${database}" exists already. Choose another name.`);
        }
        throw error;
      }
    });
  }

  /** Whether there is a database of this name. Rejects as {@link create} does. */
  async exists(database: string): Promise<boolean> {
    assertMysqlName(database);
    return this.#administer(`Whether the database "${database}" exists cannot be asked`, async (client) => {
      const sql = 'select 1 from information_schema.schemata where schema_name = ?';
      return (await send<readonly unknown[]>(client, sql, [database])).length > 0;
    });
  }

  /**
   * Removes a database for good; does nothing where there is none. Rejects with `TenancyConfigurationError` while this
   * process has it open. Of other processes it does not know: see to it that none uses the tenant any more.
   */
  async drop(database: string): Promise<void> {
    assertMysqlName(database);
    this.#open.assertClosed(database, database);
    await this.#administer(`The database "${database}" cannot be dropped`, (client) =>
      send(client, `drop database if exists ${quoteByBackticks(database)}`),
    );
  }

  async #administer<R>(otherwise: string, work: (client: Connection) => Promise<R>): Promise<R> {
    try {
      return await administer(this.#options, work);
    } catch (error) {
      if (error instanceof TenancyConfigurationError) {
        throw error;
      }
      throw new TenancyConfigurationError(`${otherwise}: ${messageOf(error)}.`, { cause: error });
    }
  }
}
