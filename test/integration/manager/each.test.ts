import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  StaticCatalog,
  TenancyConfigurationError,
  type Tenant,
  type TenantCatalog,
  TenantOrmManager,
} from 'mikro-orm-multitenancy';
import { serverUrl } from '../../support/databases.ts';
import { House, TestTenants } from '../../support/manager/TestTenants.ts';

interface Customer extends Tenant {
  readonly plan: 'free' | 'paid';
}

describe('each', () => {
  let tenants: TestTenants;
  beforeAll(async () => {
    tenants = await TestTenants.create(['one']);
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  const customers = (count: number): Customer[] =>
    Array.from({ length: count }, (_, n) => ({
      id: `t${String(n).padStart(4, '0')}`,
      database: `none_${n}`,
      plan: n % 2 === 0 ? 'free' : 'paid',
    }));

  it('runs once for every tenant, over all pages, in the context of each', async () => {
    const list = customers(250);
    const catalog = new StaticCatalog(list);
    const manager = await tenants.manager({ catalog });
    const results = await manager.each((_em, { id }) => {
      expect(manager.requireTenant().id).toBe(id);
      return id;
    });
    expect(results).toEqual(list.map(({ id }) => ({ tenantId: id, ok: true, value: id })));
    expect(manager.stats().leases).toBe(0);
  });

  it('goes on after a failure, and has a result for each', async () => {
    const manager = await tenants.manager({ catalog: new StaticCatalog(customers(3)) });
    const failure = new Error('only this one');
    const results = await manager.each((_em, { id }) => {
      if (id === 't0001') {
        throw failure;
      }
      return id;
    });
    expect(results).toEqual([
      { tenantId: 't0000', ok: true, value: 't0000' },
      { tenantId: 't0001', ok: false, error: failure },
      { tenantId: 't0002', ok: true, value: 't0002' },
    ]);
  });

  it('tells of a tenant without a database, and serves the others', async () => {
    const [real] = tenants.tenants;
    const manager = await tenants.manager({ catalog: new StaticCatalog([...customers(1), real as Tenant]) });
    const results = await manager.each((em) => em.count(House));
    expect(results).toEqual([
      { tenantId: 'one', ok: true, value: 0 },
      { tenantId: 't0000', ok: false, error: expect.objectContaining({ code: 'TENANT_DATABASE_MISSING' }) },
    ]);
  });

  it('begins with nobody where the catalogue fails half way through them', async () => {
    const pages = new StaticCatalog(customers(250));
    const failure = new Error('the central database is away');
    const catalog: TenantCatalog = {
      find: (id) => pages.find(id),
      findByDomain: (domain) => pages.findByDomain(domain),
      list: (options) => (options?.after === undefined ? pages.list(options) : Promise.reject(failure)),
    };
    const manager = await tenants.manager({ catalog });
    let began = 0;
    const work = (): void => {
      began += 1;
    };
    await expect(manager.each(work)).rejects.toBe(failure);
    expect(began).toBe(0);
  });

  it('leaves out tenants that take no work, unless `where` asks for them', async () => {
    const list: Tenant[] = customers(4).map((tenant, n) => ({ ...tenant, status: n === 0 ? 'suspended' : 'active' }));
    const manager = await tenants.manager({ catalog: new StaticCatalog(list) });
    const ids = async (where?: (tenant: Tenant) => boolean) =>
      (await manager.each((_em, { id }) => id, where === undefined ? {} : { where })).map(({ tenantId, ok }) => [
        tenantId,
        ok,
      ]);
    expect(await ids()).toEqual([
      ['t0001', true],
      ['t0002', true],
      ['t0003', true],
    ]);
    expect(await ids(({ id }) => id < 't0002')).toEqual([
      ['t0000', false],
      ['t0001', true],
    ]);
  });

  it('keeps to its concurrency', async () => {
    const manager = await tenants.manager({ catalog: new StaticCatalog(customers(30)) });
    for (const concurrency of [1, 7]) {
      let running = 0;
      let most = 0;
      await manager.each(
        async () => {
          running += 1;
          most = Math.max(most, running);
          await new Promise((resolve) => setImmediate(resolve));
          running -= 1;
        },
        { concurrency },
      );
      expect(most).toBe(concurrency);
    }
  });

  it.each([0, -1, 1.5, Number.NaN, '3'])('refuses a concurrency of %j', async (concurrency) => {
    const manager = await tenants.manager({ catalog: new StaticCatalog(customers(1)) });
    await expect(manager.each(() => 1, { concurrency: concurrency as number })).rejects.toThrow(
      TenancyConfigurationError,
    );
  });

  it('gives the tenant with the columns that the catalogue knows', async () => {
    await using manager = await TenantOrmManager.init({
      orm: { entities: [House] },
      server: serverUrl(),
      catalog: new StaticCatalog(customers(2)),
    });
    const plans = await manager.each((_em, tenant): 'free' | 'paid' => tenant.plan, {
      where: ({ plan }) => plan === 'paid',
    });
    expect(plans).toEqual([{ tenantId: 't0001', ok: true, value: 'paid' }]);
    const plan: 'free' | 'paid' | undefined = await manager.run('t0000', () => manager.current()?.plan);
    expect(plan).toBe('free');
  });
});
