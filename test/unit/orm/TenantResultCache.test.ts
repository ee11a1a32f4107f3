import { beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryCacheAdapter } from '@mikro-orm/core';
import { TenancyConfigurationError, type Tenant } from 'mikro-orm-multitenancy';
import { TenantResultCache } from '../../../src/orm/TenantResultCache.ts';

/** MikroORM's own adapter, which tells whether it was closed. */
class ClosableCache extends MemoryCacheAdapter {
  isClosed = false;

  close(): void {
    this.isClosed = true;
  }
}

const LONG_MS = 60_000;

const at = (database: string, server: string, createdAt?: Date): Tenant => ({
  ...{ id: 'acme', database, server },
  ...(createdAt && { createdAt }),
});

describe('one tenant of a shared result cache', () => {
  let shared: ClosableCache;
  beforeEach(() => {
    shared = new ClosableCache({ expiration: LONG_MS });
  });

  it('gets what it set, and nothing that another tenant set under the same key', async () => {
    const acme = new TenantResultCache(shared, at('acme', 'eu'));
    const globex = new TenantResultCache(shared, at('globex', 'eu'));
    await acme.set('houses', [1], '', LONG_MS);
    await globex.set('houses', [2], '', LONG_MS);
    expect([acme.get('houses'), globex.get('houses')]).toEqual([[1], [2]]);
    await acme.remove('houses');
    expect([acme.get('houses'), globex.get('houses')]).toEqual([undefined, [2]]);
  });

  const [before, after] = [new Date('2026-01-01'), new Date('2026-02-01')];
  it.each<{ what: string; one: Tenant; other: Tenant }>([
    { what: 'server', one: at('acme', 'eu'), other: at('acme', 'us') },
    { what: 'border between server and database', one: at('b:c', 'eu'), other: at('c', 'eu:b') },
    { what: 'quote in a name', one: at('a"', 'eu'), other: at('a', 'eu"') },
    { what: 'the time of its creation', one: at('a', 'eu', before), other: at('a', 'eu', after) },
  ])('is apart from a tenant that differs by $what', async ({ one, other }) => {
    const [first, second] = [new TenantResultCache(shared, one), new TenantResultCache(shared, other)];
    await first.set('key', 'first', '', LONG_MS);
    expect(second.get('key')).toBeUndefined();
  });

  it('finds its entries again after its ORM was opened anew', async () => {
    await new TenantResultCache(shared, at('acme', 'eu')).set('houses', [1], '', LONG_MS);
    expect(new TenantResultCache(shared, at('acme', 'eu')).get('houses')).toEqual([1]);
  });

  it('leaves the shared cache open and full when its ORM is closed', async () => {
    const acme = new TenantResultCache(shared, at('acme', 'eu'));
    await acme.set('houses', [1], '', LONG_MS);
    acme.close();
    expect({ isClosed: shared.isClosed, houses: acme.get('houses') }).toEqual({ isClosed: false, houses: [1] });
  });

  it('refuses to clear what belongs to every tenant', async () => {
    const acme = new TenantResultCache(shared, at('acme', 'eu'));
    expect(() => acme.clear()).toThrow(TenancyConfigurationError);
    expect(() => acme.clear()).toThrow('Tenant "acme": clear() would empty the result cache of every tenant');
  });

  it('hands the expiration on to the shared cache', async () => {
    const acme = new TenantResultCache(shared, at('acme', 'eu'));
    await acme.set('houses', [1], '', -1);
    expect(acme.get('houses')).toBeUndefined();
  });
});
