import { expect } from '@jest/globals';
import type { EntityManager } from '@mikro-orm/postgresql';
import { StaticCatalog, type TenancyEvents, TenantOrmManager, type TenantOrmOptions } from 'mikro-orm-multitenancy';
import pg from 'pg';
import { createDatabase, dropDatabase, serverUrl, uniqueName } from '../databases.ts';

/** Whether the tenants share the template's metadata, or each discovers its own. */
export type Sharing = 'shared' | 'stock';

/** Where one round of a case runs. */
export interface Round {
  readonly em: EntityManager;
  /** The tenant's id; every case writes it into its rows. */
  readonly tenant: string;
  /** Opens the other tenants and runs the case there. Without a call, they come after this round. */
  others(): Promise<void>;
}

const IDS: readonly string[] = ['tenant-a', 'tenant-b', 'tenant-c'];
const WRITES = /^\[query\] (insert|update|delete|merge)/i;

/** Three tenants over one set of entities, each with a database of its own, whose every statement is recorded. */
export class ThreeTenants {
  readonly manager: TenantOrmManager;
  /** What MikroORM logged, in its order. */
  readonly log: string[];
  readonly warnings: string[];
  readonly notShared: TenancyEvents['metadata:not-shared'][] = [];
  readonly #databases: ReadonlyMap<string, string>;
  /** Sessions beside the library's, for what the tests want to know. */
  readonly #observers = new Map<string, Observer>();

  static async create(orm: TenantOrmOptions, sharing: Sharing): Promise<ThreeTenants> {
    const databases = new Map(IDS.map((id) => [id, uniqueName('metadata')]));
    const log: string[] = [];
    const warnings: string[] = [];
    const manager = await TenantOrmManager.init({
      orm: { debug: ['query'], colors: false, logger: (line) => log.push(line), ...orm },
      server: serverUrl(),
      catalog: new StaticCatalog([...databases].map(([id, database]) => ({ id, database }))),
      shareMetadata: sharing === 'shared',
      warn: (message) => warnings.push(message),
    });
    const tenants = new ThreeTenants(manager, databases, log, warnings);
    try {
      for (const [id, database] of databases) {
        await createDatabase(database);
        await using lease = await manager.acquire(id);
        await lease.orm.schema.create();
        tenants.#observers.set(id, await Observer.connect(database));
      }
    } catch (error) {
      await tenants.drop();
      throw error;
    }
    return tenants;
  }

  private constructor(
    manager: TenantOrmManager,
    databases: ReadonlyMap<string, string>,
    log: string[],
    warnings: string[],
  ) {
    this.manager = manager;
    this.log = log;
    this.warnings = warnings;
    this.#databases = databases;
    manager.events.on('metadata:not-shared', (event) => this.notShared.push(event));
  }

  async drop(): Promise<void> {
    const { leases } = this.manager.stats();
    await this.manager.close();
    await Promise.all([...this.#observers.values()].map((observer) => observer.end()));
    await Promise.all([...this.#databases.values()].map(dropDatabase));
    expect(leases).toBe(0);
  }

  /**
   * Runs one case in all three tenants, whose ORMs are opened one inside the other's round, so that the first goes on
   * with the oldest ORM. Then reads everything everywhere, which must write nothing, and looks for strayed rows.
   */
  async through(round: (round: Round) => Promise<void>): Promise<void> {
    await this.reset();
    await this.#rounds(IDS, round);
    for (const id of IDS) {
      await this.expectReadingToWriteNothing(id);
      await this.#expectOwnRowsOnly(id);
    }
  }

  /** Closes and empties all three. */
  async reset(): Promise<void> {
    for (const [id, observer] of this.#observers) {
      await this.manager.evict(id);
      await observer.truncate();
    }
  }

  async #rounds([id, ...rest]: readonly string[], round: (round: Round) => Promise<void>): Promise<void> {
    if (id === undefined) {
      return;
    }
    await this.manager.run(id, async (em) => {
      let nested: Promise<void> | undefined;
      const others = (): Promise<void> => {
        nested ??= this.#rounds(rest, round);
        return nested;
      };
      await round({ em, tenant: id, others });
      await others();
    });
  }

  /** Reads every entity alone, and with its relations by both kinds of queries; flushes after each. */
  async expectReadingToWriteNothing(id: string): Promise<void> {
    await this.manager.run(id, async (em) => {
      for (const meta of em.getMetadata()) {
        if (meta.abstract || meta.embeddable || meta.virtual || meta.pivotTable) {
          continue;
        }
        for (const strategy of [undefined, 'select-in', 'joined'] as const) {
          const fork = em.fork();
          const relations = strategy === undefined ? {} : { populate: ['*'] as never, strategy };
          const found = await fork.find(meta.class, {}, { ...relations, filters: false });
          expect(await this.writesOf(() => fork.flush())).toEqual([]);
          if (found.length === 0) {
            // Nor are there relations to read.
            break;
          }
        }
      }
    });
  }

  /** The writing statements of `work`, without their durations. */
  async writesOf(work: () => Promise<unknown>): Promise<string[]> {
    const from = this.log.length;
    await work();
    return this.log
      .slice(from)
      .filter((line) => WRITES.test(line))
      .map((line) => line.replace(/ \[took .*$/, ''));
  }

  async #expectOwnRowsOnly(id: string): Promise<void> {
    const rows = (await this.#observers.get(id)?.rows()) ?? [];
    expect(rows.some((row) => row.includes(id))).toBe(true);
    expect(rows.filter((row) => IDS.some((other) => other !== id && row.includes(other)))).toEqual([]);
  }

  databaseOf(id: string): string {
    return this.#databases.get(id) as string;
  }
}

/** A session of the test's own in one tenant's database. */
class Observer {
  readonly #client: pg.Client;
  readonly #tables: readonly string[];

  static async connect(database: string): Promise<Observer> {
    const url = new URL(serverUrl());
    url.pathname = `/${database}`;
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    const { rows } = await client.query<{ name: string }>(
      "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname !~ '^pg_|^information_'",
    );
    return new Observer(
      client,
      rows.map(({ name }) => name),
    );
  }

  private constructor(client: pg.Client, tables: readonly string[]) {
    this.#client = client;
    this.#tables = tables;
  }

  async truncate(): Promise<void> {
    await this.#client.query(`truncate ${this.#tables.join(', ')} restart identity cascade`);
  }

  /** Every row of every table, as text. */
  async rows(): Promise<string[]> {
    const selects = this.#tables.map((table) => `select '${table}' || t::text as row from ${table} t`);
    const { rows } = await this.#client.query<{ row: string }>(selects.join(' union all '));
    return rows.map(({ row }) => row);
  }

  async end(): Promise<void> {
    await this.#client.end();
  }
}
