import { randomBytes } from 'node:crypto';
import { PostgresServer } from '../connections/PostgresServer.ts';
import type { CheckedServerOptions } from '../connections/ServerOptions.ts';
import { TenancyEmitter } from '../events.ts';
import { DatabaseAdmin } from '../provisioning/DatabaseAdmin.ts';
import { DatabaseNames } from '../provisioning/databaseNames.ts';

/** What the names of all databases of tests begin with. */
const PREFIX = 'test_tenancy';
/** What the central database of a run is called, at the end. */
export const CENTRAL = 'central';

/** Of our own, beside a hash of a run. */
const LOCK_CLASS = 0x6d6f_7474;

/** One to say that the run goes on, and some to work on databases. */
const CONNECTIONS = Object.freeze({ maxConnections: 8, reservedConnections: 4 });

/**
 * The databases of one run of tests, on each of its servers: `test_tenancy_<run>_<what>`. A run holds an advisory lock for
 * as long as it goes on; the databases of one that was killed are dropped by the next.
 */
export class TestDatabases {
  readonly #run = randomBytes(6).toString('hex');
  readonly #servers: readonly PostgresServer[];
  readonly #admins: readonly DatabaseAdmin[];
  readonly #ended = Promise.withResolvers<void>();
  readonly #alive: Promise<void>[] = [];

  constructor(servers: ReadonlyMap<string, CheckedServerOptions>) {
    this.#servers = [...servers].map(
      ([name, options]) => new PostgresServer(name, { ...options, ...CONNECTIONS }, new TenancyEmitter()),
    );
    this.#admins = this.#servers.map((server) => new DatabaseAdmin(server));
  }

  /** From here on no other run takes these databases for left behind. Drops those that are. */
  async begin(): Promise<void> {
    for (const admin of this.#admins) {
      const held = Promise.withResolvers<void>();
      const alive = admin.session(async (session) => {
        await session.query('select pg_advisory_lock($1, hashtext($2))', [LOCK_CLASS, this.#run]);
        held.resolve();
        await this.#ended.promise;
      });
      this.#alive.push(alive);
      alive.catch(held.reject);
      await held.promise;
      await this.#dropLeftovers(admin);
    }
  }

  name(what: string): string {
    return `${PREFIX}_${this.#run}_${what}`;
  }

  /** Drops all databases of this run. */
  async dropAll(): Promise<void> {
    for (const admin of this.#admins) {
      await drop(admin, await admin.list(this.name('')));
    }
  }

  /** Sessions of this run's databases that are in a transaction and do nothing. */
  async openTransactions(): Promise<string[]> {
    const found = await Promise.all(
      this.#admins.map((admin) =>
        admin.session(async (session) => {
          const { rows } = await session.query(
            "select datname, query from pg_stat_activity where state like 'idle in transaction%' and starts_with(datname, $1)",
            [this.name('')],
          );
          return rows.map(({ datname, query }: { datname: string; query: string }) => `${datname}: ${query}`);
        }),
      ),
    );
    return found.flat();
  }

  async close(): Promise<void> {
    this.#ended.resolve();
    await Promise.allSettled(this.#alive);
    await Promise.all(this.#admins.map((admin) => admin.close(1_000)));
    for (const server of this.#servers) {
      server.stop();
    }
  }

  async #dropLeftovers(admin: DatabaseAdmin): Promise<void> {
    const names = await admin.list(`${PREFIX}_`);
    for (const run of new Set(names.map((name) => name.slice(PREFIX.length + 1).split('_')[0] ?? ''))) {
      await admin.session(async (session) => {
        const key = [LOCK_CLASS, run];
        const { rows } = await session.query('select pg_try_advisory_lock($1, hashtext($2)) as free', key);
        if ((rows[0] as { readonly free: boolean }).free) {
          await drop(
            admin,
            names.filter((name) => name.startsWith(`${PREFIX}_${run}_`)),
          );
          await session.query('select pg_advisory_unlock($1, hashtext($2))', key);
        }
      });
    }
  }
}

async function drop(admin: DatabaseAdmin, names: readonly string[]): Promise<void> {
  for (const name of names) {
    // A central database has templates that no other one uses.
    const own = name.endsWith(`_${CENTRAL}`) ? await admin.list(`${new DatabaseNames(name).prefix}_`) : [];
    for (const database of [...own, name]) {
      await admin.drop(database);
    }
  }
}
