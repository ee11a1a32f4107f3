import { type CentralOptions, type TenantEntityType, type TenantOf, TenantOrmManager } from 'mikro-orm-multitenancy';
import { adminQuery, createDatabase, dropDatabase, serverUrl, uniqueName } from '../databases.ts';
import { assertClosed, House, until } from '../manager/TestTenants.ts';
import { type Customer, type CustomerManager, customers } from './customers.ts';

/** A central database, migrated, and managers over it that are closed at the end. */
export class CentralWorld implements AsyncDisposable {
  readonly database: string;
  readonly #managers: TenantOrmManager[] = [];
  readonly #tenantDatabases: string[] = [];

  private constructor(database: string) {
    this.database = database;
  }

  static async create({ isMigrated = true } = {}): Promise<CentralWorld> {
    const world = new CentralWorld(uniqueName('central'));
    await createDatabase(world.database);
    if (isMigrated) {
      await (await world.manager()).central.migrate();
    }
    return world;
  }

  /** A manager whose tenants are customers. */
  async manager(options: Partial<CentralOptions> & { readonly url?: string } = {}): Promise<CustomerManager> {
    const { url = serverUrl(), ...central } = options;
    const manager = await TenantOrmManager.init({
      orm: { entities: [House] },
      server: serverUrl(),
      central: { database: this.database, server: url, ...customers, ...central } as CentralOptions<typeof Customer>,
    });
    this.keep(manager as unknown as TenantOrmManager);
    return manager;
  }

  async managerOf<C extends TenantEntityType>(
    central: Partial<CentralOptions<C>>,
  ): Promise<TenantOrmManager<TenantOf<C>>> {
    const manager = await TenantOrmManager.init({
      orm: { entities: [House] },
      server: serverUrl(),
      central: { database: this.database, ...central } as CentralOptions<C>,
    });
    this.keep(manager as unknown as TenantOrmManager);
    return manager;
  }

  keep(manager: TenantOrmManager): void {
    this.#managers.push(manager);
  }

  /** A database for a tenant, with a table of houses. */
  async tenantDatabase(name: string): Promise<string> {
    const database = uniqueName(name);
    await createDatabase(database, ['create table house (id serial primary key, address text not null)']);
    this.#tenantDatabases.push(database);
    return database;
  }

  /** Drops the database, and makes another one behind its name. */
  async recreate(): Promise<void> {
    await dropDatabase(this.database);
    await createDatabase(this.database);
    const manager = await this.manager();
    await manager.central.migrate();
    await manager.close();
  }

  query<R extends Record<string, unknown>>(text: string, parameters: unknown[] = []): Promise<R[]> {
    return adminQuery<R>(text, parameters, this.database);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#managers.map((manager) => manager.close({ timeoutMs: 1_000 })));
    try {
      this.#managers.forEach((manager) => {
        assertClosed(manager);
        assertNothingLeft(manager);
      });
      const databases = [this.database, ...this.#tenantDatabases];
      const sessions = "select 1 from pg_stat_activity where datname = any($1) and application_name like 'tenant:%'";
      await until(async () => (await adminQuery(sessions, [databases])).length === 0, 'sessions are left');
    } finally {
      await Promise.all([this.database, ...this.#tenantDatabases].map(dropDatabase));
    }
  }
}

function assertNothingLeft(manager: TenantOrmManager): void {
  const { central } = manager.stats();
  const budgets = central === undefined ? [] : [central.requests, central.reserved];
  const left = budgets.map(({ opening, idle, inUse, closing, waiting }) => opening + idle + inUse + closing + waiting);
  if (left.some((count) => count !== 0)) {
    throw new Error(`The central database left ${JSON.stringify(central)}`);
  }
}
