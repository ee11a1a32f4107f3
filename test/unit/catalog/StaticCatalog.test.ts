import { describe, expect, it } from '@jest/globals';
import { StaticCatalog } from '../../../src/catalog/StaticCatalog.ts';
import { TenancyConfigurationError } from '../../../src/errors.ts';
import type { Tenant } from '../../../src/tenant/Tenant.ts';
import { catalogConformance } from '../../../src/testing/index.ts';

describe('StaticCatalog, as every catalogue', () => {
  for (const { name, run } of catalogConformance(async (tenants) => ({ catalog: new StaticCatalog(tenants) }))) {
    it(name, run);
  }
});

describe('StaticCatalog', () => {
  it('infers the columns that an application adds', async () => {
    const catalog = new StaticCatalog([
      { id: 'acme', database: 'acme', plan: 'gold', seats: 3 },
      { id: 'globex', database: 'globex', plan: 'free', status: 'suspended' },
    ]);
    const tenant = await catalog.find('acme');
    const plan: string | undefined = tenant?.plan;
    const seats: number | undefined = tenant?.seats;
    expect({ plan, seats }).toEqual({ plan: 'gold', seats: 3 });
  });

  it('keeps copies: what happens to the given objects later changes nothing', async () => {
    const domains = ['acme.com'];
    const tenant = { id: 'acme', database: 'acme', domains };
    const tenants = [tenant];
    const catalog = new StaticCatalog(tenants);
    tenant.database = 'globex';
    domains.push('globex.com');
    tenants.pop();
    expect(await catalog.find('acme')).toEqual({ id: 'acme', database: 'acme', domains: ['acme.com'] });
    expect(await catalog.findByDomain('globex.com')).toBeUndefined();
  });

  it('leaves the given objects as they are, and freezes its own', async () => {
    const tenants = [
      { id: 'globex', database: 'globex' },
      { id: 'acme', database: 'acme', domains: ['acme.com'] },
    ];
    const catalog = new StaticCatalog(tenants);
    const found = await catalog.find('acme');
    expect(Object.isFrozen(found)).toBe(true);
    expect(Object.isFrozen(found?.domains)).toBe(true);
    expect(Object.isFrozen(tenants[1])).toBe(false);
    expect(tenants.map((tenant) => tenant.id)).toEqual(['globex', 'acme']);
  });

  it('takes one database name on two servers', () => {
    expect(
      () =>
        new StaticCatalog([
          { id: 'acme', database: 'app', server: 'eu' },
          { id: 'globex', database: 'app', server: 'us' },
          { id: 'initech', database: 'app' },
        ]),
    ).not.toThrow();
  });

  it.each<[string, readonly Tenant[], RegExp]>([
    [
      'an id twice',
      [
        { id: 'a', database: 'x' },
        { id: 'a', database: 'y' },
      ],
      /id a is given twice/,
    ],
    [
      'a database twice',
      [
        { id: 'a', database: 'x' },
        { id: 'b', database: 'x' },
      ],
      /to tenant "a" and to tenant "b"/,
    ],
    [
      'a database twice, once on the default server by name',
      [
        { id: 'a', database: 'x' },
        { id: 'b', database: 'x', server: 'default' },
      ],
      /database \["default","x"\] is given twice/,
    ],
    [
      'a domain of two tenants',
      [
        { id: 'a', database: 'x', domains: ['a.com'] },
        { id: 'b', database: 'y', domains: ['b.com', 'a.com'] },
      ],
      /domain a\.com is given twice/,
    ],
    ['a domain twice in one tenant', [{ id: 'a', database: 'x', domains: ['a.com', 'a.com'] }], /given twice/],
    ['a bad id', [{ id: 'A', database: 'x' }], /is no tenant id/],
    ['a bad database name', [{ id: 'a', database: 'x'.repeat(64) }], /64 bytes/],
    ['a bad domain', [{ id: 'a', database: 'x', domains: ['A.com'] }], /is no domain name/],
    ['a bad status', [{ id: 'a', database: 'x', status: 'gone' as 'active' }], /the status "gone"/],
  ])('refuses %s when it is built', (_, tenants, message) => {
    expect(() => new StaticCatalog(tenants)).toThrow(TenancyConfigurationError);
    expect(() => new StaticCatalog(tenants)).toThrow(message);
  });
});
