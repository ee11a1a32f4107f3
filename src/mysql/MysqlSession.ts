import type { Connection } from 'mysql2';
import { WrongDatabaseError } from '../errors.ts';
import { called, send } from './mysqlClient.ts';

export interface MysqlSessionOf {
  readonly tenantId: string;
  readonly database: string;
  readonly isReadOnly: boolean;
  /** As MikroORM has it: `Z`, an offset, or something else for that of the server. */
  readonly timezone: string | undefined;
}

/** What `mysql2` connects with, and a reset would change to what the server has. */
export const CHARSET = 'utf8mb4_unicode_ci';

/** The session of one connection: what it begins with, and how it gets back there. */
export class MysqlSession {
  readonly #client: Connection;
  readonly #of: MysqlSessionOf;
  #settings: readonly string[] = [];

  constructor(client: Connection, of: MysqlSessionOf) {
    this.#client = client;
    this.#of = of;
  }

  /** Proves the database, then makes the settings. Rejects with `WrongDatabaseError`. */
  async begin(): Promise<void> {
    const mode = await this.#prove();
    const { timezone, isReadOnly } = this.#of;
    const zone = timezone === 'Z' ? '+00:00' : timezone;
    this.#settings = [
      // The mode is what the client asked for when it connected, and a reset forgets.
      `set names utf8mb4 collate ${CHARSET}, sql_mode = '${mode.replaceAll("'", '')}'` +
        (/^[+-]\d\d:\d\d$/.test(zone ?? '') ? `, time_zone = '${zone}'` : ''),
      ...(isReadOnly ? ['set session transaction read only'] : []),
    ];
    await this.#set();
  }

  /**
   * Takes back what a user has left: variables, settings, temporary tables, prepared statements, locks, a transaction. Rejects
   * with `WrongDatabaseError` where another database was chosen, which a reset does not take back.
   */
  async reset(): Promise<void> {
    await called<void>((done) => this.#client.reset(done));
    await this.#prove();
    await this.#set();
  }

  async #set(): Promise<void> {
    for (const statement of this.#settings) {
      await send(this.#client, statement);
    }
  }

  async #prove(): Promise<string> {
    const { tenantId, database } = this.#of;
    const proof = await send<readonly { database: string | null; mode: string }[]>(
      this.#client,
      'select database() as `database`, @@sql_mode as `mode`',
    );
    const [{ database: actual, mode } = { database: null, mode: '' }] = proof;
    if (actual !== database) {
      throw new WrongDatabaseError(tenantId, database, actual ?? 'none');
    }
    return mode;
  }
}
