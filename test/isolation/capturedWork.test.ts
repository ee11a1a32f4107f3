import { afterEach, describe, expect, it } from '@jest/globals';
import {
  currentTenant,
  NoTenantError,
  TenancyConfigurationError,
  type Tenant,
  TenantNotFoundError,
  TenantOrmManager,
  TenantReplacedError,
  type TenantSnapshot,
  TenantUnavailableError,
} from 'mikro-orm-multitenancy';
import { RemoteCacheServer, remoteCacheOver } from '../support/isolation/RemoteCache.ts';
import { House, TestTenants } from '../support/manager/TestTenants.ts';
import { LifeWorld } from '../support/provisioning/LifeWorld.ts';
import { lifeOptions, lifeProvisioning } from '../support/provisioning/lifeOptions.ts';

/** As a queue keeps it. */
const throughJson = (snapshot: TenantSnapshot): TenantSnapshot => JSON.parse(JSON.stringify(snapshot));

describe('captured work', () => {
  const open: AsyncDisposable[] = [];
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) {
      await one[Symbol.asyncDispose]();
    }
  });
  const closedLater = <O extends AsyncDisposable>(one: O): O => {
    open.push(one);
    return one;
  };

  it('runs as its tenant from anywhere, within another tenant too', async () => {
    const tenants = closedLater(await TestTenants.create(['acme', 'globex']));
    const manager = await tenants.manager();
    const captured = throughJson(await manager.run('acme', () => manager.capture()));
    const seen = await manager.run('globex', async (globex) => {
      globex.create(House, { id: 1, address: 'of globex' });
      await globex.flush();
      const inner = await manager.run(captured, async (em, tenant) => {
        em.create(House, { id: 1, address: 'of acme' });
        await em.flush();
        return [tenant.id, currentTenant()?.id, manager.capture().tenantId];
      });
      return [...inner, manager.capture().tenantId];
    });
    expect(seen).toEqual(['acme', 'acme', 'acme', 'globex']);
    const address = async (id: string) => manager.run(id, async (em) => (await em.findOneOrFail(House, 1)).address);
    expect([await address('acme'), await address('globex')]).toEqual(['of acme', 'of globex']);
  });

  it('is not captured outside a tenant, nor within one of another manager', async () => {
    const tenants = closedLater(await TestTenants.create(['acme']));
    const [manager, other] = [await tenants.manager(), await tenants.manager()];
    expect(() => manager.capture()).toThrow(NoTenantError);
    await other.run('acme', () => expect(() => manager.capture()).toThrow(NoTenantError));
  });

  it.each<{ what: string; value: unknown }>([
    { what: 'null', value: null },
    { what: 'no tenant', value: {} },
    { what: 'a tenant that is no string', value: { tenantId: 7 } },
    { what: 'a time that is none', value: { tenantId: 'acme', createdAt: 'yesterday' } },
    { what: 'more than there is in one', value: { tenantId: 'acme', database: 'globex' } },
  ])('is refused when a snapshot has $what', async ({ value }) => {
    const tenants = closedLater(await TestTenants.create(['acme']));
    const manager = await tenants.manager();
    await expect(manager.run(value as TenantSnapshot, () => 'ran')).rejects.toThrow(TenancyConfigurationError);
    expect(manager.stats().leases).toBe(0);
  });

  it('is refused for a tenant that is not there or takes no work', async () => {
    const world = closedLater(await LifeWorld.create());
    const manager = await world.manager({ provisioning: lifeProvisioning(world.settings) });
    await manager.provision({ id: 'acme' });
    const captured = throughJson(await manager.run('acme', () => manager.capture()));
    await manager.suspend('acme');
    await expect(manager.run(captured, () => 'ran')).rejects.toThrow(TenantUnavailableError);
    await manager.drop('acme');
    await expect(manager.run(captured, () => 'ran')).rejects.toThrow(TenantNotFoundError);
  }, 60_000);

  it('of a dropped tenant never runs in the one that came after it with its id and database', async () => {
    const world = closedLater(await LifeWorld.create());
    const manager = await world.manager({ provisioning: lifeProvisioning(world.settings) });
    await manager.provision({ id: 'acme' });
    const captured = throughJson(await manager.run('acme', () => manager.capture()));
    await expect(manager.run(captured, (em) => em.count(House))).resolves.toBe(1);
    await manager.drop('acme');
    await manager.provision({ id: 'acme' });
    await expect(manager.run('acme', (em) => em.count(House))).resolves.toBe(1);
    await expect(manager.run(captured, () => 'ran')).rejects.toThrow(TenantReplacedError);
    expect(manager.stats().leases).toBe(0);
  }, 60_000);

  it('and cached results of a dropped tenant are not given to the one that came after it', async () => {
    const world = closedLater(await LifeWorld.create());
    const { seed: _seed, ...provisioning } = lifeProvisioning(world.settings);
    const { orm, ...options } = lifeOptions({ ...world.settings, provisioning });
    const resultCache = { adapter: remoteCacheOver(new RemoteCacheServer()) };
    const manager = closedLater(await TenantOrmManager.init({ ...options, orm: { ...orm, resultCache } }));
    const addresses = async (): Promise<string[]> =>
      manager.run('acme', async (em) => (await em.find(House, {}, { cache: 60_000 })).map(({ address }) => address));
    await manager.provision({ id: 'acme' });
    await manager.run('acme', async (em) => {
      em.create(House, { id: 1, address: 'a secret of the first' });
      await em.flush();
    });
    await expect(addresses()).resolves.toEqual(['a secret of the first']);
    await manager.drop('acme');
    await manager.provision({ id: 'acme' });
    await expect(addresses()).resolves.toEqual([]);
  }, 60_000);

  it('and a MikroORM that is open since before the drop, which nobody here heard of, is not theirs', async () => {
    const tenants = closedLater(await TestTenants.create(['acme']));
    const database = tenants.databaseOf('acme');
    let acme: Tenant & { readonly createdAt: Date } = { id: 'acme', database, createdAt: new Date('2026-01-01') };
    const manager = await tenants.manager({
      catalog: {
        find: async () => acme,
        findByDomain: async () => undefined,
        list: async () => ({ tenants: [acme], next: undefined }),
      },
    });
    const nameOf = (): Promise<string> => manager.run('acme', (em) => em.name);
    const first = await nameOf();
    await expect(nameOf()).resolves.toBe(first);
    acme = { ...acme, createdAt: new Date('2026-02-01') };
    await expect(nameOf()).resolves.not.toBe(first);
  });
});
