import { setTimeout as pause } from 'node:timers/promises';
import { type CatalogTenant, TenantOrmManager } from 'mikro-orm-multitenancy';
import pMap from 'p-map';
import pg from 'pg';
import { FaultProxy } from '../support/faults/FaultProxy.ts';
import { OwnPostgres } from '../support/faults/OwnPostgres.ts';
import { TEST_KEYS } from '../support/provisioning/lifeOptions.ts';
import { House, MIGRATIONS, Room, seedHouses } from './entities.ts';

export type SoakManager = TenantOrmManager<CatalogTenant>;

/** The servers by name: what happens to the network happens between the library and `faulty`. */
export const SERVERS = ['sound', 'faulty'] as const;
export type ServerName = (typeof SERVERS)[number];

/** How soon every process has heard of a change, at the latest: a poll of the catalogue, and a second. */
export const POLL_INTERVAL_MS = 1_000;
export const HEARD_WITHIN_MS = POLL_INTERVAL_MS + 1_000;

export const CONNECT_TIMEOUT_MS = 10_000;

/** As whom the serving manager reaches the central database, so that its sessions there can be told from others. */
export const SERVING = 'soak_serving';

const ROLES = 'soak';
const LOOK_EVERY_MS = 20;
const PROVISIONED_AT_ONCE = 4;

/**
 * Two PostgreSQL servers with the tenants' databases on both, and two managers that know of each other only by the central
 * database: one serves requests, the other one changes the tenants.
 */
export class SoakWorld {
  readonly servers: Readonly<Record<ServerName, OwnPostgres>>;
  /** Sessions of an administrator, around the library. */
  readonly admins: Readonly<Record<ServerName, pg.Client>>;
  readonly proxy: FaultProxy;
  readonly serving: SoakManager;
  readonly operating: SoakManager;
  readonly ids: readonly string[];
  readonly #places = new Map<string, ServerName>();

  private constructor(parts: Pick<SoakWorld, 'servers' | 'admins' | 'proxy' | 'serving' | 'operating' | 'ids'>) {
    this.servers = parts.servers;
    this.admins = parts.admins;
    this.proxy = parts.proxy;
    this.serving = parts.serving;
    this.operating = parts.operating;
    this.ids = parts.ids;
  }

  static async start(tenants: number): Promise<SoakWorld> {
    const [sound, faulty] = await Promise.all([startServer(), startServer()]);
    const servers = { sound, faulty };
    const proxy = await FaultProxy.start(faulty.url);
    const admins = { sound: await adminOf(sound), faulty: await adminOf(faulty) };
    await sound.query(`create role ${SERVING} superuser login password 'password'`);
    const ofServing = new URL(sound.url);
    ofServing.username = SERVING;
    const [serving, operating] = [
      await managerOf(servers, proxy, ofServing.href),
      await managerOf(servers, proxy, sound.url),
    ];
    await operating.central.migrate({ createDatabase: true });
    const ids = Array.from({ length: tenants }, (_, n) => `t${String(n).padStart(4, '0')}`);
    const world = new SoakWorld({ servers, admins, proxy, serving, operating, ids });
    await pMap(ids, (id, n) => world.#provision(id, SERVERS[n % SERVERS.length] as ServerName), {
      concurrency: PROVISIONED_AT_ONCE,
    });
    return world;
  }

  async #provision(id: string, server: ServerName): Promise<void> {
    await this.operating.provision({ id, server });
    this.#places.set(id, server);
  }

  databaseOf(id: string): string {
    return `soak_${id}`;
  }

  roleOf(id: string): string {
    return `${ROLES}_${id}_`;
  }

  /** Where the tenant's database is, by what the operator knows. */
  serverOf(id: string): ServerName {
    return this.#places.get(id) ?? 'sound';
  }

  async move(id: string): Promise<void> {
    const to = this.serverOf(id) === 'sound' ? 'faulty' : 'sound';
    await this.operating.move(id, { to });
    this.#places.set(id, to);
  }

  /** The port of a server itself, which `current_setting('port')` tells on each session. */
  portOf(server: string): string {
    return new URL(this.servers[server as ServerName].url).port;
  }

  /** Whatever the library has on the servers: sessions of tenants, migrations and the central database. */
  async sessions(): Promise<number> {
    const counts = await Promise.all(
      SERVERS.map(async (name) => {
        const { rows } = await this.admins[name].query<{ count: number }>(
          "select count(*)::int as count from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
        );
        return rows[0]?.count ?? 0;
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Ends sessions, and waits until they are gone, which takes a moment on a busy machine. Gives how many there were. */
  async terminate(server: ServerName, column: 'application_name' | 'usename', value: string, most: number | null) {
    const admin = this.admins[server];
    const { rows } = await admin.query<{ pid: number }>(
      `select pid, pg_terminate_backend(pid) from pg_stat_activity where ${column} = $1 limit $2`,
      [value, most],
    );
    const pids = rows.map(({ pid }) => pid);
    const left = 'select from pg_stat_activity where pid = any($1)';
    while (pids.length > 0 && (await admin.query(left, [pids])).rows.length > 0) {
      await pause(LOOK_EVERY_MS);
    }
    return pids.length;
  }

  /** A statement in the tenant's database, around the library. */
  query<R extends pg.QueryResultRow>(id: string, text: string): Promise<R[]> {
    return this.servers[this.serverOf(id)].query<R>(text, [], this.databaseOf(id));
  }

  /** Closes what the library has, and nothing else. */
  async closeManagers(): Promise<void> {
    await Promise.all([this.serving.close(), this.operating.close()]);
  }

  async stop(): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    for (const name of SERVERS) {
      await this.admins[name].end();
      await this.servers[name][Symbol.asyncDispose]();
    }
  }
}

const startServer = (): Promise<OwnPostgres> => OwnPostgres.start({ max_connections: 200 });

async function adminOf(server: OwnPostgres): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: `${server.url}/postgres` });
  await client.connect();
  return client;
}

async function managerOf(
  { sound, faulty }: Readonly<Record<ServerName, OwnPostgres>>,
  proxy: FaultProxy,
  central: string,
): Promise<SoakManager> {
  // A busy machine may let a request wait for longer than one would in production: that is no fault here.
  const limits = {
    reservedConnections: 5,
    acquireTimeoutMs: 30_000,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    maxWaitingPerTenant: 500,
  };
  const manager = await TenantOrmManager.init({
    orm: { entities: [House, Room], migrations: { migrationsList: MIGRATIONS as never } },
    servers: {
      sound: { url: sound.url, ...limits },
      faulty: { url: proxy.url, directUrl: faulty.url, pooler: 'none', ...limits },
    },
    central: { database: 'soak_central', server: central, cache: { pollIntervalMs: POLL_INTERVAL_MS } },
    roles: { secrets: TEST_KEYS, prefix: `${ROLES}_`, group: `${ROLES}_group` },
    provisioning: {
      leaseMs: 5_000,
      drainTimeoutMs: 3_000,
      databaseName: (id) => `soak_${id}`,
      seed: seedHouses,
      copy: { by: 'stream' },
      keepMovedMs: 0,
    },
    maxOpenTenants: 120,
  });
  return manager as SoakManager;
}
