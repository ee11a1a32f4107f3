import { describe, expect, it } from '@jest/globals';
import { CachedCatalog, CatalogUnavailableError, StaticCatalog, type Tenant } from 'mikro-orm-multitenancy';
import { catalogConformance } from '../../../src/testing/index.ts';
import { FakeChanges, MutableCatalog } from '../../support/catalog/FakeChanges.ts';
import { FakeClock } from '../../support/FakeClock.ts';
import { settled } from '../../support/settled.ts';

const ACME: Tenant = { id: 'acme', database: 'acme', domains: ['acme.com'] };
const GLOBEX: Tenant = { id: 'globex', database: 'globex' };

describe('CachedCatalog, as every catalogue', () => {
  const build = async (tenants: readonly Tenant[]) => ({ catalog: new CachedCatalog(new StaticCatalog(tenants)) });
  for (const { name, run } of catalogConformance(build)) {
    it(name, run);
  }
});

describe('CachedCatalog that is told of changes, as every catalogue', () => {
  const build = async (tenants: readonly Tenant[]) => {
    const source = new MutableCatalog(tenants);
    const catalog = new CachedCatalog(source, { changes: new FakeChanges(source), clock: new FakeClock() });
    return { catalog, close: () => catalog.close() };
  };
  for (const { name, run } of catalogConformance(build)) {
    it(name, run);
  }
});

describe('CachedCatalog that is told of changes', () => {
  function world(tenants: readonly Tenant[] = [ACME, GLOBEX]) {
    const clock = new FakeClock();
    const source = new MutableCatalog(tenants);
    const changes = new FakeChanges(source);
    const told: string[] = [];
    const failures: unknown[] = [];
    const catalog = new CachedCatalog(source, {
      ...{ changes, clock },
      onChange: (ids) => told.push(...ids),
      onFailure: (error) => failures.push(error),
    });
    return { clock, source, changes, told, failures, catalog };
  }

  it('asks for no name that nobody has, be it a million of them, and keeps none', async () => {
    const { source, changes, catalog, clock } = world();
    await catalog.find('acme');
    const before = { ...source.asked, reads: changes.reads };
    for (let n = 0; n < 1_000_000; n += 1) {
      if ((await catalog.find(`x${n}`)) !== undefined || (await catalog.findByDomain(`x${n}.com`)) !== undefined) {
        throw new Error('a tenant out of nothing');
      }
      if (n % 100_000 === 0) {
        clock.advance(1_000);
      }
    }
    expect(source.asked).toEqual({ find: before.find, findByDomain: 0, findMany: before.findMany });
    expect(changes.reads - before.reads).toBeLessThanOrEqual(5);
    expect(catalog.size).toEqual({ cached: 1, indexed: 2 });
    await catalog.close();
  });

  it('finds a new tenant within three seconds although nobody told of it, with one poll for all who ask', async () => {
    const { source, changes, catalog, clock } = world();
    await catalog.find('acme');
    source.set({ id: 'new', database: 'new', domains: ['new.com'] });
    expect(await catalog.find('new')).toBeUndefined();
    clock.advance(3_000);
    const found = await Promise.all(Array.from({ length: 50 }, () => catalog.findByDomain('new.com')));
    expect(found.every((tenant) => tenant?.id === 'new')).toBe(true);
    expect(changes.reads).toBe(2);
    await catalog.close();
  });

  it('sees a suspension by its next poll, before anybody asks', async () => {
    const { source, catalog, clock, told } = world();
    expect((await catalog.find('acme'))?.status).toBeUndefined();
    source.set({ ...ACME, status: 'suspended' });
    clock.advance(4_999);
    await settled();
    expect((await catalog.find('acme'))?.status).toBeUndefined();
    clock.advance(1);
    await settled();
    const before = { ...source.asked };
    expect((await catalog.find('acme'))?.status).toBe('suspended');
    expect(source.asked).toEqual(before);
    expect(told).toEqual(['acme']);
    await catalog.close();
  });

  it('sees a change as soon as it is woken, also by a wake during a poll', async () => {
    const { source, changes, catalog } = world();
    await catalog.find('acme');
    source.set({ ...ACME, status: 'suspended' });
    changes.wake();
    source.delete('globex');
    changes.wake();
    await settled();
    expect((await catalog.find('acme'))?.status).toBe('suspended');
    expect(await catalog.find('globex')).toBeUndefined();
    await catalog.close();
  });

  it('follows a domain from one tenant to another', async () => {
    const { source, changes, catalog } = world();
    expect((await catalog.findByDomain('acme.com'))?.id).toBe('acme');
    source.set({ ...ACME, domains: [] });
    source.set({ ...GLOBEX, domains: ['acme.com'] });
    changes.wake();
    await settled();
    expect((await catalog.findByDomain('acme.com'))?.id).toBe('globex');
    await catalog.close();
  });

  it('serves what it knows for ten minutes while everything fails, says so once, and heals', async () => {
    const { source, changes, catalog, clock, failures } = world();
    await catalog.find('acme');
    source.failure = new Error('down');
    for (let passed = 0; passed < 590; passed += 1) {
      clock.advance(1_000);
      await settled();
    }
    expect((await catalog.findByDomain('acme.com'))?.id).toBe('acme');
    expect(await catalog.find('nobody')).toBeUndefined();
    await expect(catalog.find('globex')).rejects.toThrow(CatalogUnavailableError);
    await expect(catalog.list()).rejects.toThrow(CatalogUnavailableError);
    expect(failures).toEqual([source.failure]);
    clock.advance(60_000);
    await settled();
    await expect(catalog.find('acme')).rejects.toThrow(CatalogUnavailableError);
    await expect(catalog.find('nobody')).rejects.toThrow(CatalogUnavailableError);
    source.failure = undefined;
    clock.advance(5_000);
    await settled();
    expect((await catalog.find('acme'))?.id).toBe('acme');
    expect(changes.reads).toBeGreaterThan(100);
    await catalog.close();
  });

  it('refuses while it has never been told anything, instead of taking everybody for nobody', async () => {
    const { source, catalog, clock } = world();
    source.failure = new Error('down');
    await expect(catalog.find('acme')).rejects.toThrow(/cannot be asked now: down/);
    await expect(catalog.find('nobody')).rejects.toThrow(CatalogUnavailableError);
    source.failure = undefined;
    clock.advance(1_000);
    expect((await catalog.find('acme'))?.id).toBe('acme');
    await catalog.close();
  });

  it('forgets a tenant whose change it could not read anew, instead of serving what it was', async () => {
    const { source, changes, catalog } = world();
    await catalog.find('acme');
    source.set({ ...ACME, status: 'suspended' });
    source.failureOfFindMany = new Error('down');
    changes.wake();
    await settled();
    await expect(catalog.find('acme')).rejects.toThrow(CatalogUnavailableError);
    source.failureOfFindMany = undefined;
    expect((await catalog.find('acme'))?.status).toBe('suspended');
    await catalog.close();
  });

  it('asks once for the tenants of all who come at the same time', async () => {
    const tenants = Array.from({ length: 600 }, (_, n) => ({ id: `t${n}`, database: `t${n}` }));
    const { source, catalog } = world(tenants);
    const found = await Promise.all([...tenants, { id: 'nobody' }].map(({ id }) => catalog.find(id)));
    expect(found.map((tenant) => tenant?.id)).toEqual([...tenants.map(({ id }) => id), undefined]);
    expect(source.asked).toEqual({ find: 0, findByDomain: 0, findMany: 2 });
    await catalog.close();
  });

  it('knows a change of this process at once', async () => {
    const { source, catalog, told } = world();
    await catalog.find('acme');
    source.set({ id: 'new', database: 'new', domains: ['new.com'] });
    source.set({ ...ACME, status: 'suspended' });
    await catalog.refresh(['new', 'acme']);
    expect((await catalog.findByDomain('new.com'))?.id).toBe('new');
    expect((await catalog.find('acme'))?.status).toBe('suspended');
    expect(told).toEqual(['new', 'acme']);
    await catalog.close();
  });

  it('leaves no timer and no hold behind when it is closed, also during a poll', async () => {
    const { catalog, clock, changes } = world();
    const finding = catalog.find('acme').catch(() => {});
    await catalog.close();
    await finding;
    expect([clock.pending, changes.holds, changes.isClosed]).toEqual([0, 0, true]);
  });
});
