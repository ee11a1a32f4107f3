import { defineEntity, p } from '@mikro-orm/core';
import {
  StaticCatalog,
  type TenancyEvents,
  type Tenant,
  TenantOrmManager,
  type TenantOrmManagerOptions,
} from 'mikro-orm-multitenancy';
import { quoteIdentifier } from '../../../src/tenant/databaseName.ts';
import { adminQuery, STRATEGY, serverUrl, uniqueName } from '../databases.ts';
import { settled } from '../settled.ts';

export const House = defineEntity({ name: 'House', properties: { id: p.integer().primary(), address: p.string() } });

const SCHEMA = 'create table house (id serial primary key, address text not null)';

export interface TestTenantsOptions {
  /** A database of this exact name instead of a unique one. */
  readonly databases?: Readonly<Record<string, string>>;
  readonly schema?: string | undefined;
}

/** Some tenants with a database each, and managers over them that are closed at the end. */
export class TestTenants implements AsyncDisposable {
  readonly tenants: readonly Tenant[];
  readonly #managers: TenantOrmManager<Tenant>[] = [];

  private constructor(tenants: readonly Tenant[]) {
    this.tenants = tenants;
  }

  static async create(ids: readonly string[], options: TestTenantsOptions = {}): Promise<TestTenants> {
    const tenants = ids.map((id) => ({ id, database: options.databases?.[id] ?? uniqueName(`tenants_${id}`) }));
    for (const { database } of tenants) {
      await adminQuery(`create database ${quoteIdentifier(database)} ${STRATEGY}`);
      const schema = options.schema ?? SCHEMA;
      if (schema !== '') {
        await adminQuery(schema, [], database);
      }
    }
    return new TestTenants(tenants);
  }

  databaseOf(id: string): string {
    const tenant = this.tenants.find((one) => one.id === id);
    if (tenant === undefined) {
      throw new Error(`There is no tenant "${id}"`);
    }
    return tenant.database;
  }

  /** A manager over these tenants, closed at the end with little patience. */
  async manager(options: Partial<TenantOrmManagerOptions> = {}): Promise<TenantOrmManager<Tenant>> {
    const manager = await TenantOrmManager.init<Tenant>({
      ...(options.servers === undefined ? { server: serverUrl() } : {}),
      catalog: new StaticCatalog(this.tenants),
      ...options,
      orm: { entities: [House], ...options.orm },
    });
    this.#managers.push(manager);
    return manager;
  }

  /** Sessions of tenants in these databases, by what they do. */
  async sessions(): Promise<readonly { readonly pid: number; readonly state: string }[]> {
    return adminQuery(
      "select pid, state from pg_stat_activity where datname = any($1) and application_name like 'tenant:%' order by pid",
      [this.tenants.map(({ database }) => database)],
    );
  }

  /** Resolves when the server has no session of a tenant any more; it takes a moment to notice a cut connection. */
  async noSessions(): Promise<void> {
    await until(async () => (await this.sessions()).length === 0, 'sessions of tenants are left');
  }

  /** Closes what is open. Throws when a lease, a connection or a session is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    const leases = this.#managers.map((manager) => manager.stats().leases);
    await Promise.all(this.#managers.map((manager) => manager.close({ timeoutMs: 1_000 })));
    try {
      await this.noSessions();
      this.#managers.forEach(assertClosed);
      if (leases.some((count) => count !== 0)) {
        throw new Error(`The test left leases: ${leases.join(', ')}`);
      }
    } finally {
      for (const { database } of this.tenants) {
        await adminQuery(`drop database if exists ${quoteIdentifier(database)} with (force)`);
      }
    }
  }
}

/** Throws unless every count of a closed manager is zero. */
export function assertClosed(manager: Pick<TenantOrmManager<Tenant>, 'stats'>): void {
  const { handles, servers } = manager.stats();
  const budgets = Object.values(servers).flatMap(({ requests, reserved }) => [requests, reserved]);
  const left = budgets.map(({ opening, idle, inUse, closing, waiting }) => opening + idle + inUse + closing + waiting);
  if (handles.open + handles.opening > 0 || left.some((count) => count !== 0)) {
    throw new Error(`The manager left ${JSON.stringify(manager.stats())}`);
  }
}

/** Asks again until it holds, once in each turn of the event loop. */
export async function until(holds: () => Promise<boolean>, otherwise: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await holds())) {
    if (performance.now() > deadline) {
      throw new Error(`After 10 s: ${otherwise}`);
    }
    await settled();
  }
}

/** The next event of that name. */
export function nextEvent<K extends keyof TenancyEvents>(
  manager: Pick<TenantOrmManager<Tenant>, 'events'>,
  name: K,
): Promise<TenancyEvents[K]> {
  return new Promise((resolve) => {
    manager.events.once(name, resolve as never);
  });
}
