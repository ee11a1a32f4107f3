import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type EntityManager, RequestContext } from '@mikro-orm/core';
import { currentTenant, NoTenantError, requireTenant, StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { serverUrl } from '../support/databases.ts';
import { entities, House, houseEntities } from '../support/isolation/entities.ts';
import { PlainOrms } from '../support/isolation/PlainOrms.ts';
import { tenantReached } from '../support/isolation/reached.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';

// EntityManagers are compared by `===`: describing two that differ takes Jest minutes.
describe('RequestContext', () => {
  let world: TenantWorld;
  beforeAll(async () => {
    world = await TenantWorld.create();
  });
  afterEach(() => world.assertNothingHeld());
  afterAll(() => world[Symbol.asyncDispose]());

  it('has no EntityManager of plain MikroORM once its ORMs have names of their own', async () => {
    await using plain = new PlainOrms(world.databases);
    const acme = await plain.open('acme', { entities: houseEntities().schemas, contextName: 'acme' });
    expect(RequestContext.create(acme.em, () => RequestContext.getEntityManager()) === undefined).toBe(true);
  });

  it("gives the run's own fork under the default name and under the tenant's own", async () => {
    await world.manager.run('acme', (em) => {
      expect(RequestContext.getEntityManager() === em).toBe(true);
      expect(RequestContext.getEntityManager(em.name) === em).toBe(true);
      expect(RequestContext.currentRequestContext()?.em === em).toBe(true);
    });
    expect(RequestContext.getEntityManager() === undefined).toBe(true);
  });

  it('gives a new fork to each run', async () => {
    const forks = new Set<EntityManager>();
    await Promise.all(['acme', 'acme', 'globex'].map((id) => world.manager.run(id, (em) => forks.add(em))));
    expect(forks.size).toBe(3);
  });

  it('does not show the outer tenant inside the inner one, under any name', async () => {
    await world.manager.run('acme', async (outer) => {
      await world.manager.run('globex', (inner) => {
        expect(RequestContext.getEntityManager() === inner).toBe(true);
        const inContext = [...(RequestContext.currentRequestContext()?.map.values() ?? [])];
        expect(inContext.length > 0 && !inContext.includes(outer)).toBe(true);
      });
      expect(RequestContext.getEntityManager() === outer).toBe(true);
    });
  });

  it('holds the central database beside the tenant where an application puts both into one context', async () => {
    await using plain = new PlainOrms(world.databases);
    const central = await plain.open('globex', { entities: houseEntities().schemas, contextName: 'central' });
    await world.manager.run('acme', () =>
      RequestContext.create([central.em, world.manager.em], async () => {
        const [beside, own] = ['central', 'default'].map((name) => RequestContext.getEntityManager(name));
        expect(await tenantReached(beside as EntityManager)).toBe('globex');
        expect(await tenantReached(own as EntityManager)).toBe('acme');
        expect(await tenantReached(world.manager.em)).toBe('acme');
      }),
    );
  });

  it('leaves the central database of an outer context alone, and has it back after the run', async () => {
    await using plain = new PlainOrms(world.databases);
    const central = await plain.open('globex', { entities: houseEntities().schemas, contextName: 'central' });
    await RequestContext.create(central.em, async () => {
      const outer = RequestContext.getEntityManager('central');
      await world.manager.run('acme', async (em) => expect(await em.count(House)).toBe(3));
      expect(RequestContext.getEntityManager('central') === outer).toBe(true);
    });
  });

  it('says which tenant runs, and refuses where none does', async () => {
    expect(currentTenant()).toBeUndefined();
    expect(() => requireTenant()).toThrow(NoTenantError);
    expect(() => world.manager.requireTenant()).toThrow(NoTenantError);
    await world.manager.run('acme', (_em, tenant) => {
      expect(currentTenant()).toBe(tenant);
      expect(requireTenant()).toBe(tenant);
      expect(world.manager.current()).toBe(tenant);
      expect(world.manager.requireTenant().database).toBe(world.databases.of('acme'));
    });
  });

  it('keeps two managers apart that know the same tenant id', async () => {
    await using other = await TenantOrmManager.init({
      orm: { entities },
      server: serverUrl(),
      catalog: new StaticCatalog([{ id: 'acme', database: world.databases.of('globex') }]),
    });
    await world.manager.run('acme', async (outer) => {
      await other.run('acme', async (inner) => {
        expect(inner.name).not.toBe(outer.name);
        expect(await tenantReached(other.em)).toBe('globex');
        expect(await tenantReached(outer)).toBe('acme');
        expect(world.manager.current()).toBeUndefined();
        expect(() => world.manager.em.count(House)).toThrow(NoTenantError);
      });
      expect(await tenantReached(world.manager.em)).toBe('acme');
    });
  });
});
