import type { EntityManager } from '@mikro-orm/postgresql';
import type { TenantEntityType, TenantOf } from '../catalog/CatalogTenant.ts';
import type { PlainTenant } from '../catalog/TenantEntity.ts';
import type { NewTenant } from '../catalog/TenantStore.ts';
import type { CentralOptions } from '../central/CentralOptions.ts';
import { type CentralManagerOptions, checkManagerOptions, type TenantOrmManagerOptions } from '../ManagerOptions.ts';
import type { TenantWork } from '../orm/TenantLease.ts';
import type { EntityManagerOf, TenantEntities } from '../orm/TenantOrmOptions.ts';
import { TenantOrmManager } from '../TenantOrmManager.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { assertNoLeaks } from './assertNoLeaks.ts';
import { TestCatalog } from './TestCatalog.ts';
import { CENTRAL, TestDatabases } from './TestDatabases.ts';

/** The options of a manager; which tenants there are, the tests say. */
export type TestTenancyOptions<
  EM extends EntityManager = EntityManager,
  Entities extends TenantEntities = TenantEntities,
> = Omit<TenantOrmManagerOptions<Tenant, EM, Entities>, 'catalog' | 'central'>;

/** The same for an application with a central database. Its name is chosen here, and it is made and migrated. */
export type CentralTestTenancyOptions<
  C extends TenantEntityType,
  EM extends EntityManager = EntityManager,
  Entities extends TenantEntities = TenantEntities,
> = Omit<CentralManagerOptions<C, EM, Entities>, 'catalog' | 'central'> & {
  readonly central: Omit<CentralOptions<C>, 'database'>;
};

const CLOSE_TIMEOUT_MS = 1_000;

/** Ends a transaction that was to leave nothing. */
class RolledBack<R> {
  readonly result: R;

  constructor(result: R) {
    this.result = result;
  }
}

/**
 * Tenants for tests, each with a real database that is copied from the template of the application's migrations. For any
 * test runner: nothing here knows one.
 */
export class TestTenancy<T extends Tenant = Tenant, EM extends EntityManager = EntityManager>
  implements AsyncDisposable
{
  /** The manager to give to the application under test. */
  readonly manager: TenantOrmManager<T, EM>;
  readonly #databases: TestDatabases;
  readonly #catalog: TestCatalog | undefined;
  #tenants = 0;
  #shared: Promise<T> | undefined;

  /** Builds the template if these migrations have none yet. Throws `TenancyConfigurationError`. */
  static async start<EM extends EntityManager = EntityManager, Entities extends TenantEntities = TenantEntities>(
    options: TestTenancyOptions<EM, Entities>,
  ): Promise<TestTenancy<Tenant, EntityManagerOf<EM, Entities>>>;
  static async start<
    C extends TenantEntityType = typeof PlainTenant,
    EM extends EntityManager = EntityManager,
    Entities extends TenantEntities = TenantEntities,
  >(
    options: CentralTestTenancyOptions<C, EM, Entities>,
  ): Promise<TestTenancy<TenantOf<C>, EntityManagerOf<EM, Entities>>>;
  static async start(options: object): Promise<unknown> {
    const { central, ...rest } = options as TestTenancyOptions & {
      readonly central?: Omit<CentralOptions<TenantEntityType>, 'database'>;
    };
    const catalog = central === undefined ? new TestCatalog() : undefined;
    const probe = { ...rest, catalog: catalog ?? new TestCatalog() };
    const databases = new TestDatabases(checkManagerOptions(probe).servers);
    const provisioning = { databaseName: (id: string) => databases.name(id), ...rest.provisioning };
    try {
      await databases.begin();
      const manager = await TenantOrmManager.init<Tenant>({
        ...rest,
        provisioning,
        ...(central === undefined ? { catalog } : { central: { ...central, database: databases.name(CENTRAL) } }),
      } as TenantOrmManagerOptions);
      if (central !== undefined) {
        await manager.central.migrate({ createDatabase: true });
      }
      return new TestTenancy(manager as TenantOrmManager, databases, catalog);
    } catch (error) {
      await databases.dropAll().catch(() => {});
      await databases.close();
      throw error;
    }
  }

  private constructor(manager: TenantOrmManager<T, EM>, databases: TestDatabases, catalog: TestCatalog | undefined) {
    this.manager = manager;
    this.#databases = databases;
    this.#catalog = catalog;
  }

  /** A new tenant with a database of its own, seeded as `provisioning` says. */
  async create(tenant: Partial<NewTenant<T>> = {}): Promise<T> {
    this.#tenants += 1;
    const made = await this.manager.provision({ id: `test-${this.#tenants}`, ...tenant } as NewTenant<T>);
    this.#catalog?.add(made);
    return made;
  }

  /** Drops a tenant with its database. */
  async drop(id: string): Promise<void> {
    await this.manager.drop(id);
    this.#catalog?.remove(id);
  }

  /** Runs `work` in a new tenant, which is dropped then. */
  async withTestTenant<R>(work: TenantWork<R, T, EM>, tenant: Partial<NewTenant<T>> = {}): Promise<R> {
    const { id } = await this.create(tenant);
    try {
      return await this.manager.run(id, work);
    } finally {
      await this.drop(id);
    }
  }

  /** A tenant that all tests of this process share, made when it is first asked for. */
  shared(): Promise<T> {
    this.#shared ??= this.create().catch((error: unknown) => {
      this.#shared = undefined;
      throw error;
    });
    return this.#shared;
  }

  /**
   * Runs `work` in a transaction of the shared tenant that is rolled back, whatever `work` does: what it writes by its
   * EntityManager, `manager.em` or repositories leaves nothing but the next values of sequences. What has a connection of
   * its own, as `manager.run` within it or a request over HTTP, sees none of it: give that a tenant of its own.
   */
  async rolledBack<R>(work: TenantWork<R, T, EM>): Promise<R> {
    const { id } = await this.shared();
    try {
      return await this.manager.run(id, (em, tenant) =>
        em.transactional(async (inner): Promise<never> => {
          throw new RolledBack(await work(inner as EM, tenant));
        }),
      );
    } catch (error) {
      if (error instanceof RolledBack) {
        return error.result as R;
      }
      throw error;
    }
  }

  /** Throws an `AssertionError` that names every lease, connection and transaction that is still held. */
  async expectNoLeaks(): Promise<void> {
    await assertNoLeaks(this.manager, () => this.#databases.openTransactions());
  }

  /** Closes the manager and drops every database of this run. */
  async close(): Promise<void> {
    // A test that left something has been told of it by then.
    await this.manager.close({ timeoutMs: CLOSE_TIMEOUT_MS });
    try {
      await this.#databases.dropAll();
    } finally {
      await this.#databases.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
