import { defineEntity, type EntityManager, p } from '@mikro-orm/postgresql';
import {
  type ServerOptions,
  StaticCatalog,
  type Tenant,
  TenantOrmManager,
  type TenantOrmManagerOptions,
} from 'mikro-orm-multitenancy';
import { queryAt, serverUrl, uniqueName } from '../databases.ts';
import { settlesWithin } from '../settlesWithin.ts';
import { FaultProxy } from './FaultProxy.ts';

/** Every row says whose it is. */
export const House = defineEntity({ name: 'House', properties: { id: p.integer().primary(), tenant: p.string() } });

/** A tenant of a {@link FaultWorld}. */
export interface FaultTenant extends Tenant {
  readonly server: 'faulty' | 'sound';
}

export interface FaultWorldOptions {
  /** Where the databases of the faulty server are. @default the server of this test run */
  readonly at?: string;
  /** The role by which the library reaches the faulty server. @default that of `at` */
  readonly role?: string;
  readonly faulty?: Partial<ServerOptions>;
  readonly manager?: Partial<TenantOrmManagerOptions<FaultTenant>>;
}

/** By when a request has come to something, whatever became of its server: it is given a signal with this timeout. */
export const REQUEST_TIMEOUT_MS = 3_000;
/** How much later than a deadline a busy machine may notice. */
export const SLACK_MS = 1_500;

const TENANTS = { acme: 'faulty', globex: 'faulty', initech: 'sound', umbrella: 'sound' } as const;

/**
 * Four tenants: two on a server that is reached through a {@link FaultProxy}, and two on another one, who are to notice
 * nothing of what happens to the first.
 */
export class FaultWorld implements AsyncDisposable {
  readonly proxy: FaultProxy;
  readonly tenants: readonly FaultTenant[];
  readonly #at: string;
  readonly #open: () => Promise<TenantOrmManager<FaultTenant>>;
  #manager: TenantOrmManager<FaultTenant>;

  private constructor(
    at: string,
    proxy: FaultProxy,
    manager: TenantOrmManager<FaultTenant>,
    tenants: readonly FaultTenant[],
    open: () => Promise<TenantOrmManager<FaultTenant>>,
  ) {
    this.#at = at;
    this.proxy = proxy;
    this.#manager = manager;
    this.tenants = tenants;
    this.#open = open;
  }

  static async create(options: FaultWorldOptions = {}): Promise<FaultWorld> {
    const at = options.at ?? serverUrl();
    const tenants = Object.entries(TENANTS).map(([id, server]) => ({
      id,
      server,
      database: uniqueName(`fault_${id}`),
    }));
    await Promise.all(tenants.map((tenant) => createDatabaseOf(tenant, tenant.server === 'faulty' ? at : serverUrl())));
    const proxy = await FaultProxy.start(at);
    const url = new URL(proxy.url);
    url.username = options.role ?? url.username;
    const open = (): Promise<TenantOrmManager<FaultTenant>> =>
      TenantOrmManager.init<FaultTenant>({
        servers: { faulty: { url: url.href, ...options.faulty }, sound: serverUrl() },
        catalog: new StaticCatalog(tenants),
        orm: { entities: [House] },
        ...options.manager,
      });
    return new FaultWorld(at, proxy, await open(), tenants, open);
  }

  /** Closes the manager and goes on with another one. */
  async renewManager(): Promise<void> {
    await this.#manager.close({ timeoutMs: 0 });
    this.#manager = await this.#open();
  }

  get manager(): TenantOrmManager<FaultTenant> {
    return this.#manager;
  }

  /** Databases of the faulty server's tenants on another one, which go when the result is disposed of. */
  async copyTo(url: string): Promise<AsyncDisposable> {
    const copies = this.on('faulty');
    await Promise.all(copies.map((tenant) => createDatabaseOf(tenant, url)));
    const drop = async ({ database }: FaultTenant): Promise<void> => {
      await queryAt(url, `drop database if exists ${database} with (force)`);
    };
    return {
      [Symbol.asyncDispose]: async () => {
        await Promise.all(copies.map(drop));
      },
    };
  }

  tenant(id: string): FaultTenant {
    const tenant = this.tenants.find((one) => one.id === id);
    if (tenant === undefined) {
      throw new Error(`There is no tenant "${id}"`);
    }
    return tenant;
  }

  on(server: FaultTenant['server']): FaultTenant[] {
    return this.tenants.filter((tenant) => tenant.server === server);
  }

  /** Connections of requests to the faulty server. */
  get requests() {
    const { faulty } = this.manager.stats().servers;
    if (faulty === undefined) {
      throw new Error('There is no server "faulty"');
    }
    return faulty.requests;
  }

  /** A statement around the library and around the proxy, in the tenant's database. */
  query<R extends object>(id: string, text: string, parameters: unknown[] = []): Promise<R[]> {
    const { server, database } = this.tenant(id);
    return queryAt<R>(server === 'faulty' ? this.#at : serverUrl(), text, parameters, database);
  }

  /** One request, which writes and reads. Rejects when it sees another tenant, and when it takes too long. */
  request(id: string): Promise<void> {
    return this.run(id, async (em) => {
      await this.#look(id, em);
      await em.transactional(async (tx) => {
        await tx.execute('insert into house (tenant) values (?)', [id]);
        await this.#look(id, tx);
      });
    });
  }

  /** One request that reads. Rejects when it sees another tenant, and when it takes too long. */
  read(id: string): Promise<void> {
    return this.run(id, (em) => this.#look(id, em));
  }

  /** Work under the deadline of a request. Rejects with something else when it is not kept. */
  run<R>(id: string, work: (em: EntityManager) => Promise<R>): Promise<R> {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const run = this.manager.run(id, (em) => work(em), { signal });
    return settlesWithin(REQUEST_TIMEOUT_MS + SLACK_MS, run, `a request of ${id}`);
  }

  async #look(id: string, em: EntityManager): Promise<void> {
    const houses = await em.find(House, {}, { orderBy: { id: 'desc' }, limit: 3, disableIdentityMap: true });
    const [row] = await em.execute<{ database: string }[]>('select current_database() as database');
    const seen = [...new Set(houses.map(({ tenant }) => tenant)), row?.database].join();
    if (seen !== `${id},${this.tenant(id).database}`) {
      throw new WrongTenantError(`${id} saw ${seen}`);
    }
  }

  /** Sessions of tenants that their servers have now. */
  async sessions(): Promise<number> {
    const text =
      "select count(*)::int as count from pg_stat_activity where datname = any($1) and application_name like 'tenant:%'";
    const counts = [this.#at, serverUrl()].map(async (url) => {
      const [row] = await queryAt<{ count: number }>(url, text, [this.tenants.map(({ database }) => database)]);
      return row?.count ?? 0;
    });
    const [faulty = 0, sound = 0] = await Promise.all(counts);
    return this.#at === serverUrl() ? faulty : faulty + sound;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.manager.close({ timeoutMs: 100 });
    await this.proxy[Symbol.asyncDispose]();
    for (const { server, database } of this.tenants) {
      const url = server === 'faulty' ? this.#at : serverUrl();
      await queryAt(url, `drop database if exists ${database} with (force)`);
    }
  }
}

async function createDatabaseOf({ id, database }: FaultTenant, url: string): Promise<void> {
  // Copying the files is faster than writing them to the log, where nothing is synced.
  await queryAt(url, `create database ${database} strategy file_copy`);
  await queryAt(url, 'create table house (id serial primary key, tenant text not null)', [], database);
  await queryAt(url, 'insert into house (tenant) values ($1)', [id], database);
}

export class WrongTenantError extends Error {}
