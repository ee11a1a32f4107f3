import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RequestContext, TransactionPropagation } from '@mikro-orm/core';
import { type CatalogTenant, WrongTenantError } from 'mikro-orm-multitenancy';
import { CentralWorld } from '../support/central/CentralWorld.ts';
import { Customer, type CustomerManager, Plan } from '../support/central/customers.ts';
import { House } from '../support/manager/TestTenants.ts';

// EntityManagers are compared by `===`: describing two that differ takes Jest minutes.
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
        expect(RequestContext.getEntityManager() === em).toBe(true);
      });
    }
    expect(forks.size).toBe(3);
  });

  it('is there without a tenant, and keeps the one around it', async () => {
    await manager.central.run(async (em) => {
      expect(central() === em).toBe(true);
      expect(RequestContext.getEntityManager() === undefined).toBe(true);
      expect(manager.current()).toBeUndefined();
      expect(await em.count(Plan)).toBe(0);
    });
    await manager.run('acme', async (tenant) => {
      const outer = central();
      await manager.central.run(async (em) => {
        expect(em === outer).toBe(false);
        expect(central() === em).toBe(true);
        expect(RequestContext.getEntityManager() === tenant).toBe(true);
        expect(manager.current()?.id).toBe('acme');
        expect(await manager.em.count(House)).toBe(0);
      });
      expect(central() === outer).toBe(true);
    });
    expect(RequestContext.getEntityManager('central') === undefined).toBe(true);
  });

  it('is found by its name and by that of its ORM, and by no other', async () => {
    const { name } = manager.central.orm.em;
    await manager.run('acme', async () => {
      expect(RequestContext.getEntityManager('nobody') === undefined).toBe(true);
      const found = RequestContext.getEntityManager(name);
      expect(found !== undefined && found === central()).toBe(true);
    });
    await manager.central.run(async () => {
      expect([...(RequestContext.currentRequestContext()?.map.keys() ?? [])]).toEqual([name, 'central']);
    });
  });

  it('gives way to a nested RequestContext, and is back afterwards', async () => {
    const { em: contextual } = manager.central.orm;
    await manager.central.run(async (em) => {
      RequestContext.create(em, () => {
        const nested = RequestContext.getEntityManager(em.name);
        expect([nested === em, contextual.getContext() === nested]).toEqual([false, true]);
      });
      expect(contextual.getContext() === em).toBe(true);
    });
  });

  it('goes on in the transaction around it by its propagation, beside one of the tenant', async () => {
    const work = manager.run('acme', (em) =>
      em.transactional(async (outer) => {
        await outer.insert(House, { address: 'propagated' });
        await em.transactional(
          async () => {
            expect(await manager.em.count(House, { address: 'propagated' })).toBe(1);
            expect(await central().count(Plan, { name: 'propagated' })).toBe(0);
          },
          { propagation: TransactionPropagation.REQUIRED },
        );
        throw new Error('undo');
      }),
    );
    await expect(work).rejects.toThrow('undo');
    expect(await houses('propagated')).toBe(0);
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

  it('has forks that stay outside of its transaction, as MikroORM’s do, also inside one of the tenant', async () => {
    await manager.central.run((em) =>
      em.transactional((outer) =>
        manager.run('acme', (tenant) =>
          tenant.transactional(() => {
            expect([central().isInTransaction(), outer.isInTransaction()]).toEqual([true, true]);
            expect([em.fork().isInTransaction(), outer.fork().isInTransaction()]).toEqual([false, false]);
          }),
        ),
      ),
    );
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
      const unknown = Object.assign(new (House.class as unknown as new () => object)(), { id: 1 });
      expect(() => central().getUnitOfWork().merge(unknown)).toThrow(WrongTenantError);
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
        expect(central() === em).toBe(true);
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

function undoIf(what: string): void {
  if (what === 'is undone') {
    throw new Error('undo');
  }
}
