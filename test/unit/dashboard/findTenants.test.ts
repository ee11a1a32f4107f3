import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ListOptions, StaticCatalog, type Tenant } from 'mikro-orm-multitenancy';
import { findTenants, type TenantQuery } from '../../../src/dashboard/findTenants.ts';

class CountingCatalog extends StaticCatalog {
  /** How many tenants were read. */
  read = 0;

  override async list(options?: ListOptions) {
    const page = await super.list(options);
    this.read += page.tenants.length;
    return page;
  }
}

const catalogOf = (ids: readonly string[], more: Partial<Tenant> = {}) =>
  new CountingCatalog(ids.map((id) => ({ id, database: id, ...more })));

const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `t${String(n).padStart(6, '0')}`);

const query = (of: Partial<TenantQuery>): TenantQuery => ({
  text: '',
  status: undefined,
  after: undefined,
  limit: 10,
  ...of,
});

async function allPages(catalog: CountingCatalog, of: Partial<TenantQuery>): Promise<string[]> {
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const found = await findTenants(catalog, query({ ...of, after }));
    ids.push(...found.tenants.map(({ id }) => id));
    after = found.next;
  } while (after !== undefined);
  return ids;
}

describe('a search for tenants', () => {
  it('reads no more of a big catalogue than a page', async () => {
    const catalog = catalogOf(numbered(20_000));
    const { tenants, next } = await findTenants(catalog, query({ text: 't015', limit: 50 }));
    expect(tenants.map(({ id }) => id)).toEqual(numbered(20_000).slice(15_000, 15_050));
    expect(next).toBe('t015049');
    expect(catalog.read).toBe(50);
  });

  it('finds by the beginning of the id exactly those that begin with it, over all pages', async () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '0', '-', '_'), minLength: 1, maxLength: 5 });
    const ids = letters.map((text) => `x${text}x`);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(ids, { maxLength: 30 }),
        letters,
        fc.integer({ min: 1, max: 4 }),
        async (all, text, limit) => {
          const beginning = `x${text}`;
          const expected = all.filter((id) => id.startsWith(beginning)).sort();
          expect(await allPages(catalogOf(all), { text: beginning, limit })).toEqual(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('finds the tenant of a domain', async () => {
    const catalog = new CountingCatalog([{ id: 'acme', database: 'acme', domains: ['acme.com'] }]);
    expect((await findTenants(catalog, query({ text: 'acme.com' }))).tenants).toHaveLength(1);
    expect((await findTenants(catalog, query({ text: 'acme.co' }))).tenants).toEqual([]);
    expect(catalog.read).toBe(0);
  });

  it('asks no catalogue for what is no beginning of an id', async () => {
    const catalog = catalogOf(numbered(3));
    for (const text of ['t\u0000', '%', 'a b', 'é', '.', '-t']) {
      expect(await findTenants(catalog, query({ text }))).toEqual({ tenants: [], next: undefined });
    }
    expect(catalog.read).toBe(0);
  });

  it('looks for a status in a part of a big catalogue, and says where to go on', async () => {
    const ids = numbered(5_000);
    const catalog = new CountingCatalog(
      ids.map((id, n) => ({ id, database: id, status: n === 10 || n === 4_000 ? 'suspended' : 'active' })),
    );
    const first = await findTenants(catalog, query({ status: 'suspended', limit: 50 }));
    expect(first.tenants.map(({ id }) => id)).toEqual([ids[10]]);
    expect(catalog.read).toBe(1_000);
    expect(await allPages(catalog, { status: 'suspended', limit: 50 })).toEqual([ids[10], ids[4_000]]);
  });
});
