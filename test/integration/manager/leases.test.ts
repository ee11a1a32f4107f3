import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  currentTenant,
  LeaseReleasedError,
  NoTenantError,
  requireTenant,
  StaticCatalog,
  TenancyConfigurationError,
  type Tenant,
  TenantNotFoundError,
  TenantOrmManager,
  type TenantStatus,
  TenantUnavailableError,
} from 'mikro-orm-multitenancy';
import { adminQuery, serverUrl } from '../../support/databases.ts';
import { assertClosed, House, nextEvent, TestTenants, until } from '../../support/manager/TestTenants.ts';

describe('a lease', () => {
  let tenants: TestTenants;
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme', 'globex']);
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  it('is given without a connection, which `init` does not open either', async () => {
    const manager = await tenants.manager();
    expect(manager.stats().handles).toEqual({ open: 0, opening: 0, leased: 0 });
    const lease = await manager.acquire('acme');
    expect(manager.stats()).toMatchObject({ handles: { open: 1, opening: 0, leased: 1 }, leases: 1 });
    expect(lease.tenant).toEqual({ id: 'acme', database: tenants.databaseOf('acme') });
    expect(manager.stats().servers['default']?.requests).toMatchObject({ opening: 0, idle: 0, inUse: 0 });
    lease.release();
    expect(manager.stats()).toMatchObject({ handles: { open: 1, leased: 0 }, leases: 0 });
  });

  it.each([true, false])(
    'is one of a hundred on one ORM that a hundred first callers open (shared: %s)',
    async (shareMetadata) => {
      const manager = await tenants.manager({ shareMetadata, warn: () => {} });
      const generations: number[] = [];
      manager.events.on('tenant:opened', ({ generation }) => generations.push(generation));
      const leases = await Promise.all(Array.from({ length: 100 }, () => manager.acquire('acme')));
      expect(new Set(leases.map(({ orm }) => orm)).size).toBe(1);
      expect(generations).toHaveLength(1);
      expect(manager.stats()).toMatchObject({ handles: { open: 1, leased: 1 }, leases: 100 });
      expect(await leases[0]?.run((em) => em.count(House))).toBe(0);
      for (const lease of leases) {
        lease.release();
      }
      expect(manager.stats().leases).toBe(0);
    },
  );

  it('is released once', async () => {
    const manager = await tenants.manager();
    const lease = await manager.acquire('acme');
    const other = await manager.acquire('acme');
    lease.release();
    expect(() => lease.release()).toThrow(LeaseReleasedError);
    expect(() => lease.orm).toThrow(LeaseReleasedError);
    await expect(lease.run(() => 1)).rejects.toThrow(LeaseReleasedError);
    expect(manager.stats().leases).toBe(1);
    other.release();
  });

  it('ends with its block under `await using`, also when the block releases it or throws', async () => {
    const manager = await tenants.manager();
    const block = async (release: boolean): Promise<never> => {
      await using lease = await manager.acquire('acme');
      if (release) {
        lease.release();
      }
      throw new Error('from the block');
    };
    await expect(block(false)).rejects.toThrow('from the block');
    await expect(block(true)).rejects.toThrow('from the block');
    expect(manager.stats().leases).toBe(0);
  });

  it('of a run ends whatever happens', async () => {
    const manager = await tenants.manager();
    const fail = (): never => {
      throw new Error('at once');
    };
    await expect(manager.run('acme', fail)).rejects.toThrow('at once');
    await expect(manager.run('acme', async () => fail())).rejects.toThrow('at once');
    expect(await manager.run('acme', (_em, tenant) => tenant.id)).toBe('acme');
    expect(manager.stats()).toMatchObject({ leases: 0, handles: { open: 1, leased: 0 } });
  });

  it('goes on while the catalogue calls the tenant something else, and the next one has the new name', async () => {
    const known: { current: Tenant & { name: string } } = {
      current: { id: 'acme', database: tenants.databaseOf('acme'), name: 'Acme' },
    };
    const manager = await tenants.manager({ catalog: catalogOf(() => known.current) as never });
    const first = await manager.acquire('acme');
    known.current = { ...known.current, name: 'Acme Corp' };
    const second = await manager.acquire('acme');
    expect(second.orm).toBe(first.orm);
    expect([first, second].map(({ tenant }) => (tenant as unknown as { name: string }).name)).toEqual([
      'Acme',
      'Acme Corp',
    ]);
    first.release();
    second.release();
  });

  it('on a database that the tenant has left goes on for a while, and the next one is on the new database', async () => {
    const known = { current: { id: 'acme', database: tenants.databaseOf('acme') } };
    const manager = await tenants.manager({ catalog: catalogOf(() => known.current) });
    const database = (em: { execute(sql: string): Promise<unknown> }) =>
      em.execute('select current_database() as name');
    const before = await manager.acquire('acme');
    const evicted = nextEvent(manager, 'tenant:evicted');
    known.current = { ...known.current, database: tenants.databaseOf('globex') };
    expect(await manager.run('acme', database)).toEqual([{ name: tenants.databaseOf('globex') }]);
    expect(await before.run(database)).toEqual([{ name: tenants.databaseOf('acme') }]);
    before.release();
    expect(await evicted).toMatchObject({ tenantId: 'acme', reason: 'moved' });
    expect(manager.stats().handles.open).toBe(1);
  });

  it('is on the new database also where the catalogue changes the tenant that it gave', async () => {
    const tenant = { id: 'acme', database: tenants.databaseOf('acme') };
    const manager = await tenants.manager({ catalog: catalogOf(() => tenant) });
    const database = (em: { execute(sql: string): Promise<unknown> }) =>
      em.execute('select current_database() as name');
    expect(await manager.run('acme', database)).toEqual([{ name: tenants.databaseOf('acme') }]);
    tenant.database = tenants.databaseOf('globex');
    expect(await manager.run('acme', database)).toEqual([{ name: tenants.databaseOf('globex') }]);
  });

  it('is not given for a tenant that takes no work', async () => {
    const known: { current: Tenant } = { current: { id: 'acme', database: tenants.databaseOf('acme') } };
    const manager = await tenants.manager({ catalog: catalogOf(() => known.current) });
    const answers: Record<string, number | string> = {};
    const statuses = [
      'provisioning',
      'active',
      'readonly',
      'suspended',
      'maintenance',
      'archived',
      'dropping',
      'failed',
    ];
    for (const status of statuses as TenantStatus[]) {
      known.current = { ...known.current, status };
      const error = await manager.run('acme', () => undefined).catch((reason: unknown) => reason);
      answers[status] = error instanceof TenantUnavailableError ? error.status : 'taken';
    }
    expect(answers).toEqual({
      provisioning: 503,
      active: 'taken',
      readonly: 'taken',
      suspended: 404,
      maintenance: 503,
      archived: 404,
      dropping: 404,
      failed: 404,
    });
    expect(manager.stats().leases).toBe(0);
  });

  it('is not given for what the catalogue does not know, or what is no tenant id', async () => {
    const manager = await tenants.manager();
    await expect(manager.run('nobody', () => 1)).rejects.toThrow(TenantNotFoundError);
    for (const id of ['', 'ACME', '../acme', 'a b', 7, undefined]) {
      await expect(manager.run(id as string, () => 1)).rejects.toThrow(TenancyConfigurationError);
    }
    expect(() => manager.migrator('../acme')).toThrow(TenancyConfigurationError);
    expect(manager.stats()).toMatchObject({ handles: { open: 0, opening: 0 }, leases: 0 });
  });

  it('is not given for another tenant than was asked for', async () => {
    const manager = await tenants.manager({
      catalog: catalogOf(() => ({ id: 'globex', database: tenants.databaseOf('globex') })),
    });
    await expect(manager.run('acme', () => 1)).rejects.toThrow(/asked for tenant "acme" and gave another one/);
    expect(await manager.run('globex', (_em, { id }) => id)).toBe('globex');
  });

  it('is not given where the catalogue fails, and the failure is its own', async () => {
    const failure = new Error('the central database is away');
    const manager = await tenants.manager({
      catalog: catalogOf(() => {
        throw failure;
      }),
    });
    await expect(manager.run('acme', () => 1)).rejects.toBe(failure);
    await expect(manager.each(() => 1)).rejects.toBe(failure);
  });

  it('is not given for a server that nobody named', async () => {
    const manager = await tenants.manager({
      catalog: catalogOf(() => ({ id: 'acme', database: 'acme', server: 'mars' })),
    });
    await expect(manager.run('acme', () => 1)).rejects.toThrow(/the server "mars" is none of `servers` \(default\)/);
  });

  it('is not waited for after an abort, be it before, during the look-up or while the tenant opens', async () => {
    const reason = new Error('the client is gone');
    const manager = await tenants.manager({ shareMetadata: false, warn: () => {} });
    await expect(manager.run('acme', () => 1, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(manager.stats().handles).toEqual({ open: 0, opening: 0, leased: 0 });

    const opening = new AbortController();
    const leasing = manager.acquire('acme', { signal: opening.signal });
    const rejected = expect(leasing).rejects.toBe(reason);
    const opened = nextEvent(manager, 'tenant:opened');
    while (manager.stats().handles.opening === 0) {
      await Promise.resolve();
    }
    opening.abort(reason);
    await rejected;
    expect(manager.stats()).toMatchObject({ handles: { opening: 1 }, leases: 0 });
    await opened;

    const slow = await tenants.manager({ catalog: catalogOf(() => new Promise<never>(() => {})) });
    const looking = new AbortController();
    const lookedUp = expect(slow.run('acme', () => 1, { signal: looking.signal })).rejects.toBe(reason);
    looking.abort(reason);
    await lookedUp;
  });

  it('passes its signal on to the statements of the fork', async () => {
    const manager = await tenants.manager();
    const controller = new AbortController();
    const query = 'select pg_sleep(0.3), 11 as aborted';
    const run = manager.run('acme', (em) => em.execute(query), { signal: controller.signal });
    const rejected = expect(run).rejects.toThrow();
    while (
      (await adminQuery('select 1 from pg_stat_activity where query = $1 and state = $2', [query, 'active'])).length ===
      0
    );
    controller.abort(new Error('enough'));
    await rejected;
    expect(manager.stats().leases).toBe(0);
    expect(await manager.run('acme', (em) => em.count(House))).toBe(0);
    // MikroORM stops waiting and lets the statement end; its connection is free after that.
    await until(async () => manager.stats().servers['default']?.requests.inUse === 0, 'the connection is lost');
  });

  it('tells the tenant of each of two managers that know the same id', async () => {
    const [first, second] = await Promise.all(
      ['acme', 'globex'].map((id) =>
        TenantOrmManager.init({
          orm: { entities: [House] },
          server: serverUrl(),
          catalog: new StaticCatalog([{ id: 'same', database: tenants.databaseOf(id), owner: id }]),
        }),
      ),
    );
    if (first === undefined || second === undefined) {
      throw new Error('two managers are needed');
    }
    const database = async (em: { execute(sql: string): Promise<unknown> }) => {
      const rows = (await em.execute('select current_database() as name')) as { name: string }[];
      return rows[0]?.name;
    };
    await first.run('same', async (outer) => {
      expect(first.current()?.owner).toBe('acme');
      expect(second.current()).toBeUndefined();
      expect(() => second.requireTenant()).toThrow(NoTenantError);
      expect(() => second.em.getContext()).toThrow(NoTenantError);
      expect(currentTenant()).toBe(first.current());
      await second.run('same', async (inner) => {
        expect(first.current()).toBeUndefined();
        expect(second.requireTenant().owner).toBe('globex');
        expect(await database(inner)).toBe(tenants.databaseOf('globex'));
        expect(await database(second.em)).toBe(tenants.databaseOf('globex'));
        expect(await database(outer)).toBe(tenants.databaseOf('acme'));
        expect(() => first.em.getContext()).toThrow(NoTenantError);
      });
      expect(requireTenant()).toBe(first.requireTenant());
      expect(await database(first.em)).toBe(tenants.databaseOf('acme'));
      const house = outer.create(House, { id: 1, address: 'of the first' });
      await expect(second.run('same', (em) => em.persist(house).flush())).rejects.toMatchObject({
        code: 'WRONG_TENANT',
      });
    });
    expect([first.current(), second.current(), currentTenant()]).toEqual([undefined, undefined, undefined]);
    await Promise.all([first.close(), second.close()]);
    [first, second].forEach(assertClosed);
  });
});

/** A catalogue of whatever `tenant` gives now. */
function catalogOf<T extends Tenant>(tenant: () => T | Promise<T>) {
  const list = async () => ({ tenants: [await tenant()], next: undefined });
  const find = async (id: string) => {
    const found = await tenant();
    return found.id === id || id === 'acme' ? found : undefined;
  };
  return { find, findByDomain: async () => undefined, list };
}
