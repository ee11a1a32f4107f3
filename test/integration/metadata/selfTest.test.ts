import { afterEach, describe, expect, it } from '@jest/globals';
import { EntityComparator, type EntityManagerType } from '@mikro-orm/core';
import {
  type AbstractSqlConnection,
  type Configuration,
  EntityManager,
  PostgreSqlConnection,
  PostgreSqlDriver,
  PostgreSqlPlatform,
} from '@mikro-orm/postgresql';
import {
  StaticCatalog,
  TenancyConfigurationError,
  TenantOrmManager,
  type TenantOrmOptions,
} from 'mikro-orm-multitenancy';
import { behaviourCases } from '../../support/metadata/behaviourCases.ts';
import { behaviour, relations } from '../../support/metadata/defineEntityLibrary.ts';
import { relationCases } from '../../support/metadata/relationCases.ts';
import { ThreeTenants } from '../../support/metadata/ThreeTenants.ts';

/** Compares by itself, as a driver may that was written before MikroORM's comparator could be shared. */
class OwnComparatorEntityManager extends EntityManager {
  private own?: EntityComparator;

  override getComparator(): EntityComparator {
    this.own ??= new EntityComparator(this.getMetadata(), this.getPlatform(), this.config);
    return this.own;
  }
}

/** Makes EntityManagers of its own kind. */
class OwnComparatorDriver extends PostgreSqlDriver {
  override createEntityManager(useContext?: boolean): this[typeof EntityManagerType] {
    const em = super.createEntityManager(useContext);
    const own = new EntityComparator(em.getMetadata(), this.getPlatform(), this.config);
    return Object.defineProperty(em, 'getComparator', { value: () => own });
  }
}

/** Its forks are another tenant's as soon as there are two. */
class CrossingEntityManager extends EntityManager {
  static readonly all: EntityManager[] = [];

  override fork(...args: Parameters<EntityManager['fork']>): this {
    CrossingEntityManager.all.push(this);
    const [template, oldest = this] = CrossingEntityManager.all;
    const from = this === template ? this : oldest;
    return Reflect.apply(super.fork, from, args) as this;
  }
}

/** Connects to whatever its configuration says. */
class HeadstrongConnection extends PostgreSqlConnection {
  override createKysely(): ReturnType<AbstractSqlConnection['createKysely']> {
    this.options.driverOptions = { host: 'database.invalid' };
    return super.createKysely();
  }
}

/** Reads the option, and connects elsewhere. */
class CunningConnection extends PostgreSqlConnection {
  override createKysely(): ReturnType<AbstractSqlConnection['createKysely']> {
    (this.config.get('driverOptions') as () => unknown)();
    this.options.driverOptions = { host: '127.0.0.1', port: 1 };
    return super.createKysely();
  }
}

function driverOf(Connection: new (config: Configuration) => PostgreSqlConnection): typeof PostgreSqlDriver {
  return class extends PostgreSqlDriver {
    override readonly connection = new Connection(this.config);
  };
}

describe('the self-test of shared metadata', () => {
  let tenants: ThreeTenants | undefined;
  afterEach(async () => {
    await tenants?.drop();
    tenants = undefined;
  });

  it.each([
    { what: 'an EntityManager with a comparator of its own', broken: { entityManager: OwnComparatorEntityManager } },
    { what: 'a driver that makes its own comparators', broken: { driver: OwnComparatorDriver } },
  ])('falls back for $what, and says so once', async ({ broken }) => {
    tenants = await ThreeTenants.create({ ...relations.orm, ...broken } as TenantOrmOptions, 'shared');
    expect(tenants.warnings).toEqual([expect.stringContaining('cannot share their metadata (the comparator is not')]);
    expect(tenants.notShared).toEqual([{ reason: 'the comparator is not shared' }]);
  });

  it.each([true, false])(
    'refuses an EntityManager whose forks leave their driver, sharing: %s',
    async (shareMetadata) => {
      CrossingEntityManager.all.length = 0;
      const init = TenantOrmManager.init({
        orm: { ...relations.orm, entityManager: CrossingEntityManager } as TenantOrmOptions,
        server: 'postgresql://localhost:1',
        catalog: new StaticCatalog([{ id: 'acme', database: 'acme' }]),
        shareMetadata,
      });
      await expect(init).rejects.toThrow(TenancyConfigurationError);
      await expect(init).rejects.toThrow('Tenants would not be apart');
    },
  );

  it('keeps tenants apart where each discovers its own metadata', async () => {
    const broken = { ...relations.orm, entityManager: OwnComparatorEntityManager } as TenantOrmOptions;
    tenants = await ThreeTenants.create(broken, 'shared');
    for (const work of Object.values(relationCases)) {
      await tenants.through((round) => work(relations.model, round));
    }
    await tenants.drop();
    tenants = await ThreeTenants.create({ ...behaviour.orm, driver: OwnComparatorDriver }, 'shared');
    for (const work of Object.values(behaviourCases)) {
      await tenants.through((round) => work(behaviour.model, round));
    }
  });

  it('shares the metadata of an application with an EntityManager of its own', async () => {
    class AppEntityManager extends EntityManager {
      database(): string | undefined {
        return this.config.get('dbName');
      }
    }
    tenants = await ThreeTenants.create({ ...relations.orm, entityManager: AppEntityManager }, 'shared');
    expect({ warnings: tenants.warnings, notShared: tenants.notShared }).toEqual({ warnings: [], notShared: [] });
    const database = tenants.databaseOf('tenant-b');
    const seen = await tenants.manager.run('tenant-b', (em) => (em as unknown as AppEntityManager).database());
    expect(seen).toBe(database);
  });

  it('shares the metadata of an application with a platform and a driver of its own', async () => {
    class AppPlatform extends PostgreSqlPlatform {
      override getDefaultVarcharLength(): number {
        return 100;
      }
    }
    class AppDriver extends PostgreSqlDriver {
      override platform = new AppPlatform();
    }
    tenants = await ThreeTenants.create({ ...relations.orm, driver: AppDriver }, 'shared');
    expect(tenants.warnings).toEqual([]);
  });

  it.each([
    ['reads no `driverOptions`', HeadstrongConnection, '`driverOptions` was not read'],
    ['reads `driverOptions` and connects elsewhere', CunningConnection, 'ECONNREFUSED'],
  ])('refuses a driver that %s, whether metadata is shared or not', async (_what, Connection, because) => {
    for (const shareMetadata of [true, false]) {
      const init = TenantOrmManager.init({
        orm: { ...relations.orm, driver: driverOf(Connection) },
        server: 'postgresql://localhost:1',
        catalog: new StaticCatalog([{ id: 'acme', database: 'acme' }]),
        shareMetadata,
      });
      await expect(init).rejects.toThrow(TenancyConfigurationError);
      await expect(init).rejects.toThrow('`orm.driver` must connect through `driverOptions`');
      await expect(init).rejects.toThrow(because);
    }
  });
});
