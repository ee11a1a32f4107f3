import { setTimeout as sleep } from 'node:timers/promises';
import { type EntitySchema, MikroORM } from '@mikro-orm/postgresql';
import pg from 'pg';
import { startPostgres } from '../../test/support/postgres.ts';
import type { Row } from './entities.ts';

export interface DatabasesOptions {
  readonly entities: EntitySchema<Row>[];
  readonly rowsPerTable: number;
  readonly count: number;
}

/** A PostgreSQL of this run with tenant databases on it, all of which are gone when it is disposed of. */
export class BenchServer {
  readonly url: string;
  readonly version: string;
  readonly #client: pg.Client;
  readonly #stop: () => Promise<void>;
  readonly #databases: string[] = [];

  /** `isDurable`: whether it writes to its disk as a server in earnest does. */
  static async start(maxConnections: number, { isDurable = false } = {}): Promise<BenchServer> {
    const postgres = await startPostgres({ maxConnections, isDurable });
    const client = new pg.Client({ connectionString: `${postgres.url}/postgres` });
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    return new BenchServer(postgres.url, rows[0]?.server_version ?? '', client, () => postgres.stop());
  }

  private constructor(url: string, version: string, client: pg.Client, stop: () => Promise<void>) {
    this.url = url.replace(/\/$/, '');
    this.version = version;
    this.#client = client;
    this.#stop = stop;
  }

  /** Databases with these tables, each with equal rows in it. */
  async createDatabases({ entities, rowsPerTable, count }: DatabasesOptions): Promise<string[]> {
    const serial = `bench_${process.pid}_${this.#databases.length}`;
    const template = `${serial}_template`;
    this.#databases.push(template);
    const orm = await MikroORM.init({ entities, clientUrl: this.url, dbName: template });
    await orm.schema.ensureDatabase();
    await orm.schema.create();
    const em = orm.em.fork();
    for (const entity of entities) {
      for (let id = 1; id <= rowsPerTable; id += 1) {
        em.create(entity, {
          id,
          name: `Row ${id}`,
          code: `code-${id}`,
          kind: 'plain',
          note: 'A note on this row.',
        } as never);
      }
    }
    await em.flush();
    await orm.close();
    return this.#copies(template, count);
  }

  /** Databases that these statements make, for those who must not have their tables from MikroORM. */
  async createDatabasesBy(statements: readonly string[], count: number): Promise<string[]> {
    const template = `bench_${process.pid}_${this.#databases.length}_template`;
    await this.#client.query(`create database "${template}"`);
    this.#databases.push(template);
    const client = new pg.Client({ connectionString: `${this.url}/${template}` });
    await client.connect();
    await client.query(statements.join(';\n'));
    await client.end();
    return this.#copies(template, count);
  }

  async #copies(template: string, count: number): Promise<string[]> {
    const names = Array.from({ length: count }, (_, index) => template.replace(/template$/, String(index)));
    for (const name of names) {
      await this.#client.query(`create database "${name}" template "${template}"`);
      this.#databases.push(name);
    }
    return names;
  }

  /** How many sessions there are in these databases. */
  async sessions(databases: readonly string[] = this.#databases): Promise<number> {
    const { rows } = await this.#client.query<{ count: string }>(
      'select count(*) from pg_stat_activity where datname = any($1)',
      [databases],
    );
    return Number(rows[0]?.count);
  }

  /** Drops a database that the benchmark has created by itself. */
  async drop(database: string): Promise<void> {
    await this.#client.query(`drop database if exists "${database}" with (force)`);
  }

  /** Waits until every connection to the databases of this run has been closed by its owner. */
  async untilNoSessions(): Promise<void> {
    while ((await this.sessions()) > 0) {
      await sleep(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The folder of a server of this run goes as a whole, which takes a thousand databases no minutes.
    const isKept = (process.env['DATABASE_URL'] ?? '') !== '';
    for (const name of isKept ? this.#databases : []) {
      await this.#client.query(`drop database if exists "${name}" with (force)`);
    }
    await this.#client.end();
    await this.#stop();
  }
}
