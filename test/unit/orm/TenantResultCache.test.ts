import { beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryCacheAdapter } from '@mikro-orm/core';
import { TenancyConfigurationError } from 'mikro-orm-multitenancy';
import { TenantResultCache } from '../../../src/orm/TenantResultCache.ts';

/** MikroORM's own adapter, which tells whether it was closed. */
class ClosableCache extends MemoryCacheAdapter {
  isClosed = false;

  close(): void {
    this.isClosed = true;
  }
}

const LONG_MS = 60_000;

describe('one tenant of a shared result cache', () => {
  let shared: ClosableCache;
  beforeEach(() => {
    shared = new ClosableCache({ expiration: LONG_MS });
  });

  it('gets what it set, and nothing that another tenant set under the same key', async () => {
    const acme = new TenantResultCache(shared, 'acme', 'eu', 'acme');
    const globex = new TenantResultCache(shared, 'globex', 'eu', 'globex');
    await acme.set('houses', [1], '', LONG_MS);
    await globex.set('houses', [2], '', LONG_MS);
    expect([acme.get('houses'), globex.get('houses')]).toEqual([[1], [2]]);
    await acme.remove('houses');
    expect([acme.get('houses'), globex.get('houses')]).toEqual([undefined, [2]]);
  });

  it.each<{ what: string; one: [string, string]; other: [string, string] }>([
    { what: 'server', one: ['eu', 'acme'], other: ['us', 'acme'] },
    { what: 'border between server and database', one: ['eu', 'b:c'], other: ['eu:b', 'c'] },
    { what: 'quote in a name', one: ['eu', 'a"'], other: ['eu"', 'a'] },
  ])('is apart from a tenant that differs by $what', async ({ one, other }) => {
    const [first, second] = [new TenantResultCache(shared, 'a', ...one), new TenantResultCache(shared, 'a', ...other)];
    await first.set('key', 'first', '', LONG_MS);
    expect(second.get('key')).toBeUndefined();
  });

  it('finds its entries again after its ORM was opened anew', async () => {
    await new TenantResultCache(shared, 'acme', 'eu', 'acme').set('houses', [1], '', LONG_MS);
    expect(new TenantResultCache(shared, 'acme', 'eu', 'acme').get('houses')).toEqual([1]);
  });

  it('leaves the shared cache open and full when its ORM is closed', async () => {
    const acme = new TenantResultCache(shared, 'acme', 'eu', 'acme');
    await acme.set('houses', [1], '', LONG_MS);
    acme.close();
    expect({ isClosed: shared.isClosed, houses: acme.get('houses') }).toEqual({ isClosed: false, houses: [1] });
  });

  it('refuses to clear what belongs to every tenant', async () => {
    const acme = new TenantResultCache(shared, 'acme', 'eu', 'acme');
    expect(() => acme.clear()).toThrow(TenancyConfigurationError);
    expect(() => acme.clear()).toThrow('Tenant "acme": clear() would empty the result cache of every tenant');
  });

  it('hands the expiration on to the shared cache', async () => {
    const acme = new TenantResultCache(shared, 'acme', 'eu', 'acme');
    await acme.set('houses', [1], '', -1);
    expect(acme.get('houses')).toBeUndefined();
  });
});
