import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defineEntity, p, RequestContext } from '@mikro-orm/core';
import {
  type CatalogTenant,
  StaticCatalog,
  TenancyConfigurationError,
  TenantDatabaseMissingError,
  TenantOrmManager,
  WrongTenantError,
} from 'mikro-orm-multitenancy';
import { CentralWorld } from '../../support/central/CentralWorld.ts';
import { Customer, type CustomerManager, customers, Plan } from '../../support/central/customers.ts';
import { adminQuery, dropDatabase, serverUrl, uniqueName } from '../../support/databases.ts';
import { House } from '../../support/manager/TestTenants.ts';
import { runProgram } from '../../support/runProgram.ts';

describe('the central database', () => {
  let world: CentralWorld;
  let manager: CustomerManager;
  let databases: readonly string[];
  beforeAll(async () => {
    world = await CentralWorld.create();
    manager = await world.manager();
    databases = [await world.tenantDatabase('acme'), await world.tenantDatabase('globex')];
    await manager.central.tenants.create({ id: 'acme', database: databases[0], domains: ['acme.com'], tier: 'gold' });
    await manager.central.tenants.create({ id: 'globex', database: databases[1] });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const central = () => {
    const em = RequestContext.getEntityManager('central');
    if (em === undefined) {
      throw new Error('There is no central EntityManager');
    }
    return em;
  };

  it('is beside the tenant in each run, with a fork of its own', async () => {
    const forks = new Set<unknown>();
    for (const id of ['acme', 'globex', 'acme']) {
      await manager.run(id, async (em) => {
        forks.add(central());
        expect(await central().count(Customer)).toBe(2);
        expect(await em.count(House)).toBe(0);
        expect(RequestContext.getEntityManager()).toBe(em);
      });
    }
    expect(forks.size).toBe(3);
  });

  it('is there without a tenant, and keeps the one around it', async () => {
    await manager.central.run(async (em) => {
      expect(RequestContext.getEntityManager('central')).toBe(em);
      expect(RequestContext.getEntityManager()).toBeUndefined();
      expect(manager.current()).toBeUndefined();
      expect(await em.count(Plan)).toBe(0);
    });
    await manager.run('acme', async (tenant) => {
      const outer = central();
      await manager.central.run(async (em) => {
        expect(em).not.toBe(outer);
        expect(central()).toBe(em);
        expect(RequestContext.getEntityManager()).toBe(tenant);
        expect(manager.current()?.id).toBe('acme');
        expect(await manager.em.count(House)).toBe(0);
      });
      expect(central()).toBe(outer);
    });
    expect(RequestContext.getEntityManager('central')).toBeUndefined();
  });

  it.each([
    ['commits', 'commits'],
    ['commits', 'is undone'],
    ['is undone', 'commits'],
    ['is undone', 'is undone'],
  ])('has a transaction that %s inside one of the tenant that %s', async (inner, outer) => {
    const name = `${inner} in ${outer}`;
    const work = manager.run('acme', (em) =>
      em.transactional(async () => {
        const nested = central().transactional(async () => {
          // Found anew, as code far from the transaction finds them.
          await central().insert(Plan, { name });
          await RequestContext.getEntityManager()?.insert(House, { address: name });
          expect([central().isInTransaction(), manager.em.isInTransaction()]).toEqual([true, true]);
          undoIf(inner);
        });
        await (inner === 'commits' ? nested : expect(nested).rejects.toThrow('undo'));
        undoIf(outer);
      }),
    );
    await (outer === 'commits' ? work : expect(work).rejects.toThrow('undo'));
    expect(await plans(name)).toBe(inner === 'commits' ? 1 : 0);
    expect(await houses(name)).toBe(outer === 'commits' ? 1 : 0);
  });

  it.each([
    ['commits', 'is undone'],
    ['is undone', 'commits'],
  ])('has a transaction around one of the tenant that %s, and that itself %s', async (inner, outer) => {
    const name = `${inner} around ${outer}`;
    const work = manager.central.run((em) =>
      em.transactional(async () => {
        const nested = manager.run('acme', (tenant) =>
          tenant.transactional(async () => {
            await central().insert(Plan, { name });
            await manager.em.insert(House, { address: name });
            undoIf(inner);
          }),
        );
        await (inner === 'commits' ? nested : expect(nested).rejects.toThrow('undo'));
        undoIf(outer);
      }),
    );
    await (outer === 'commits' ? work : expect(work).rejects.toThrow('undo'));
    expect(await plans(name)).toBe(outer === 'commits' ? 1 : 0);
    expect(await houses(name)).toBe(inner === 'commits' ? 1 : 0);
  });

  it('goes on with its transaction in the runs of two tenants inside of it, each by itself', async () => {
    const work = manager.central.run((em) =>
      em.transactional(async (outer) => {
        await outer.insert(Plan, { name: 'around' });
        for (const id of ['acme', 'globex']) {
          await manager.run(id, async () => {
            expect(await central().count(Plan, { name: 'around' })).toBe(1);
            expect(manager.em.isInTransaction()).toBe(false);
          });
        }
        expect(await manager.central.run((other) => other.count(Plan, { name: 'around' }))).toBe(0);
        throw new Error('undo');
      }),
    );
    await expect(work).rejects.toThrow('undo');
    expect(await plans('around')).toBe(0);
  });

  it('refuses entities of a tenant, and a tenant those of the central database, also new ones', async () => {
    await manager.run('acme', async (em) => {
      const house = em.create(House, { address: 'mine' }, { persist: false });
      expect(() => central().persist(house)).toThrow(WrongTenantError);
      expect(() => central().merge(house)).toThrow(WrongTenantError);
      const row = await central().findOneOrFail(Customer, { id: 'acme' });
      expect(() => em.persist(row)).toThrow(/of the central database reached the EntityManager of tenant "acme"/);
      expect(() => em.assign(house, { address: row as never })).toThrow(WrongTenantError);
      const plan = central().create(Plan, { name: 'new' }, { persist: false });
      expect(() => em.persist(plan)).toThrow(WrongTenantError);
      expect(() => em.persist(new (Plan.class as unknown as new () => object)())).toThrow(WrongTenantError);
      expect(() => central().persist(new (House.class as unknown as new () => object)())).toThrow(WrongTenantError);
      await expect(em.find(Plan, {})).rejects.toThrow(WrongTenantError);
      await expect(em.insert(Plan, { name: 'new' })).rejects.toThrow(WrongTenantError);
      await expect(central().find(House, {})).rejects.toThrow(WrongTenantError);
      expect(() => em.create(Plan, { name: 'new' })).toThrow(WrongTenantError);
      expect(() => em.createQueryBuilder(Plan)).toThrow(WrongTenantError);
      await expect(em.getRepository(Plan).findAll()).rejects.toThrow(WrongTenantError);
    });
  });

  it('gives each manager of a process its own, though both are called central', async () => {
    await using second = await CentralWorld.create();
    const other = await second.manager();
    await other.central.run((em) => em.insert(Plan, { name: 'of the second' }));
    await manager.central.run(async () => {
      expect(await other.central.fork().count(Plan, { name: 'of the second' })).toBe(1);
      await other.central.run(async (em) => {
        expect(central()).toBe(em);
        expect(await central().count(Plan, { name: 'of the second' })).toBe(1);
        expect(await manager.central.fork().count(Plan, { name: 'of the second' })).toBe(0);
      });
      expect(await central().count(Plan, { name: 'of the second' })).toBe(0);
    });
  });

  it('has nothing for the schema generator to change, triggers of the catalogue among it', async () => {
    expect(await manager.central.orm.schema.getUpdateSchemaSQL()).toBe('');
  });

  it('gives tenants as frozen objects with the columns of the application', async () => {
    const tenant: CatalogTenant | undefined = await manager.catalog.find('acme');
    expect(tenant).toEqual({
      ...{ id: 'acme', database: databases[0], server: 'default', status: 'active', metadata: {}, revision: 2 },
      ...{ tier: 'gold', seats: null, domains: ['acme.com'], createdAt: expect.any(Date), updatedAt: expect.any(Date) },
      domainDetails: [{ domain: 'acme.com', isPrimary: true, verifiedAt: expect.any(Date) }],
    });
    expect(Object.isFrozen(tenant) && Object.isFrozen(tenant?.domains) && Object.isFrozen(tenant?.metadata)).toBe(true);
    expect(await manager.catalog.findByDomain('acme.com')).toBe(tenant);
    expect(await manager.run('acme', (_em, { tier }) => tier)).toBe('gold');
  });

  const plans = (name: string): Promise<number> => manager.central.fork().count(Plan, { name });
  const houses = (address: string): Promise<number> => manager.run('acme', (em) => em.count(House, { address }));
});

describe('the migrations of the central database', () => {
  it('are applied once by eight callers on a virgin database, the catalogue’s before the application’s', async () => {
    await using world = await CentralWorld.create({ isMigrated: false });
    const manager = await world.manager();
    const results = await Promise.all(Array.from({ length: 8 }, () => manager.central.migrate()));
    const applied = results.flat().map(({ name }) => name);
    expect(applied).toEqual(['Migration001Catalog', 'PlanMigration']);
    expect(await world.query('select name from tenancy_migrations')).toEqual([{ name: 'Migration001Catalog' }]);
    expect(await world.query('select name from mikro_orm_migrations')).toEqual([{ name: 'PlanMigration' }]);
    expect(await manager.central.migrator.getPending()).toEqual([]);
  });

  it('are applied once by eight processes, which create the database when asked to', async () => {
    const database = uniqueName('central');
    try {
      const programs = Array.from({ length: 8 }, () =>
        runProgram('central/migrateProgram.ts', [serverUrl(), database]),
      );
      const outputs = await Promise.all(programs);
      const applied = outputs.flatMap(({ stdout }) => JSON.parse(stdout) as string[]);
      expect(applied.sort()).toEqual(['Migration001Catalog', 'PlanMigration']);
    } finally {
      await dropDatabase(database);
    }
  });

  it('create no database on the way', async () => {
    await using world = await CentralWorld.create({ isMigrated: false });
    const database = uniqueName('central_missing');
    const manager = await world.manager({ database });
    await expect(manager.central.migrate()).rejects.toThrow(TenantDatabaseMissingError);
    await expect(manager.central.run((em) => em.count(Plan))).rejects.toThrow(TenantDatabaseMissingError);
    await expect(manager.run('acme', () => {})).rejects.toMatchObject({ code: 'CATALOG_UNAVAILABLE', status: 503 });
    expect(await adminQuery('select 1 from pg_database where datname = $1', [database])).toEqual([]);
  });

  it('are missed with a sentence that says what to do', async () => {
    await using world = await CentralWorld.create({ isMigrated: false });
    const manager = await world.manager();
    await expect(manager.run('acme', () => {})).rejects.toThrow(
      /tables are not there; run `manager.central.migrate\(\)`/,
    );
  });

  it('can be undone', async () => {
    await using world = await CentralWorld.create({ isMigrated: false });
    const manager = await world.managerOf({});
    expect(await manager.central.migrate()).toHaveLength(1);
    const { Migration001Catalog } = await import('../../../src/central/migrations/Migration001Catalog.ts');
    const down: string[] = [];
    const migration = Object.assign(Object.create(Migration001Catalog.prototype), {
      addSql: (text: string) => down.push(text),
    });
    migration.down();
    await world.query(down.join(';'));
    expect(await world.query("select proname from pg_proc where proname like 'tenancy%'")).toEqual([]);
  });
});

describe('options of the central database', () => {
  const base = { orm: { entities: [House] }, server: serverUrl() };

  it('are not needed, and then it cannot be asked for', async () => {
    const manager = await TenantOrmManager.init({ ...base, catalog: new StaticCatalog([]) });
    expect(() => manager.central).toThrow(/no central database.*Give `central/);
    await manager.close();
  });

  it('may stand beside a catalogue of one’s own', async () => {
    const catalog = new StaticCatalog([]);
    const manager = await TenantOrmManager.init({ ...base, catalog, central: { database: 'shared' } });
    expect(manager.catalog).toBe(catalog);
    expect(manager.central.orm).toBeDefined();
    await manager.close();
  });

  it('refuse an entity that the tenants have too, and take an abstract base and an embeddable of both', async () => {
    const Address = defineEntity({ name: 'Address', embeddable: true, properties: { city: p.string() } });
    const Base = defineEntity({ name: 'Base', abstract: true, properties: { id: p.integer().primary() } });
    const Shop = defineEntity({ name: 'Shop', extends: Base, properties: { at: () => p.embedded(Address) } });
    const Office = defineEntity({ name: 'Office', extends: Base, properties: { at: () => p.embedded(Address) } });
    const manager = await TenantOrmManager.init({
      ...base,
      orm: { entities: [House, Shop] },
      central: { database: 'shared', orm: { entities: [Office] } },
    });
    await manager.close();
    const both = TenantOrmManager.init({ ...base, central: { database: 'shared', orm: { entities: [House] } } });
    await expect(both).rejects.toThrow(TenancyConfigurationError);
    await expect(both).rejects.toThrow(/entity House is in `orm` and in `central.orm`/);
  });

  it.each<[string, object, RegExp]>([
    ['no database', {}, /database/],
    ['a database name that is too long', { database: 'x'.repeat(64) }, /64 bytes/],
    ['something nobody knows', { database: 'a', colour: 'red' }, /colour/],
    ['a database among MikroORM’s options', { database: 'a', orm: { dbName: 'b' } }, /dbName/],
    ['a tenant that is none', { database: 'a', tenant: Plan }, /extends `TenantEntity`/],
    ['too few connections', { database: 'a', server: { url: serverUrl(), maxConnections: 4 } }, /larger than/],
    ['a poll that never comes', { database: 'a', cache: { pollIntervalMs: 0 } }, /pollIntervalMs/],
  ])('are refused with %s', async (_what, central, message) => {
    const refused = TenantOrmManager.init({ ...base, central: central as never });
    await expect(refused).rejects.toThrow(TenancyConfigurationError);
    await expect(refused).rejects.toThrow(message);
  });

  it('name a server where the tenants have several', async () => {
    const refused = TenantOrmManager.init({
      orm: base.orm,
      servers: { eu: serverUrl() },
      central: { database: 'a', ...customers },
    });
    await expect(refused).rejects.toThrow(/`central.server` is needed/);
  });
});

function undoIf(what: string): void {
  if (what === 'is undone') {
    throw new Error('undo');
  }
}
