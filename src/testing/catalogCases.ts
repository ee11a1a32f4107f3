import assert from 'node:assert/strict';
import { DEFAULT_PAGE, MAX_PAGE, type TenantCatalog } from '../catalog/TenantCatalog.ts';
import { TenancyConfigurationError } from '../errors.ts';
import { serverOf, statusOf, type Tenant } from '../tenant/Tenant.ts';

interface CatalogCase {
  readonly name: string;
  /** @default DEFAULT_TENANTS */
  readonly tenants?: readonly Tenant[];
  readonly check: (catalog: TenantCatalog) => Promise<void>;
}

const ACME: Tenant = { id: 'acme', database: 'acme_db', domains: ['acme.com', 'acme.example.org'] };
const GLOBEX: Tenant = { id: 'globex', database: 'globex', status: 'suspended', domains: ['globex.com'] };
const INITECH: Tenant = { id: 'initech', database: 'Initech "1"', server: 'eu', status: 'readonly' };

/** Given out of order, so that a catalogue has to sort. */
export const DEFAULT_TENANTS: readonly Tenant[] = [INITECH, ACME, GLOBEX];

/** In the order of their characters' codes, which is not the order of most languages' collations. */
const IDS_IN_ORDER = ['1', '10', '2', 'a', 'a-b', 'a0', 'a_b', 'aa', 'ab', 'b-1', 'b0', 'b_1', 'ba'];

const MANY = Array.from({ length: DEFAULT_PAGE + 1 }, (_, index) => named(`t${String(index).padStart(4, '0')}`));

export const CATALOG_CASES: readonly CatalogCase[] = [
  {
    name: 'finds a tenant by its id, with its database, server, status and domains',
    check: async (catalog) => {
      for (const tenant of DEFAULT_TENANTS) {
        assertSame(await catalog.find(tenant.id), tenant);
      }
    },
  },
  {
    name: 'finds a tenant by each of its domains',
    check: async (catalog) => {
      assertSame(await catalog.findByDomain('acme.com'), ACME);
      assertSame(await catalog.findByDomain('acme.example.org'), ACME);
      assertSame(await catalog.findByDomain('globex.com'), GLOBEX);
    },
  },
  {
    name: 'gives undefined for an id that no tenant has',
    check: async (catalog) => {
      // Among them a database, a domain, patterns of SQL, and names that every JavaScript object has.
      for (const id of [
        '',
        'acm',
        'acme1',
        'ACME',
        ' acme',
        'acme ',
        'acme_db',
        'acme.com',
        'acm_',
        '%',
        "'",
        '__proto__',
        'constructor',
      ]) {
        assert.equal(await catalog.find(id), undefined, `find(${JSON.stringify(id)})`);
      }
    },
  },
  {
    name: 'gives undefined for a domain that no tenant has',
    check: async (catalog) => {
      for (const domain of [
        '',
        'com',
        'cme.com',
        'www.acme.com',
        'acme.com.',
        'acme.co',
        'acme',
        '%.com',
        'acme_com',
        'constructor',
      ]) {
        assert.equal(await catalog.findByDomain(domain), undefined, `findByDomain(${JSON.stringify(domain)})`);
      }
    },
  },
  {
    name: 'has no tenants when it was given none',
    tenants: [],
    check: async (catalog) => {
      assert.equal(await catalog.find('acme'), undefined);
      assert.equal(await catalog.findByDomain('acme.com'), undefined);
      assertPage(await catalog.list(), [], undefined);
    },
  },
  {
    name: 'lists every tenant, of any status, in ascending order of the id',
    check: async (catalog) => {
      const { tenants, next } = await catalog.list();
      assert.equal(next, undefined);
      assert.equal(tenants.length, 3);
      for (const [index, tenant] of [ACME, GLOBEX, INITECH].entries()) {
        assertSame(tenants[index], tenant);
      }
    },
  },
  {
    name: 'orders ids by the codes of their characters, and pages through them in that order',
    tenants: IDS_IN_ORDER.toReversed().map(named),
    check: async (catalog) => {
      assertPage(await catalog.list(), IDS_IN_ORDER, undefined);
      for (const limit of [1, 2, 5, 12, 13, 14]) {
        assert.deepEqual(await idsOfAllPages(catalog, limit), IDS_IN_ORDER, `pages of ${limit}`);
      }
    },
  },
  {
    name: 'gives `next` on every page but the last, also when that is full',
    check: async (catalog) => {
      assertPage(await catalog.list({ limit: 2 }), ['acme', 'globex'], 'globex');
      assertPage(await catalog.list({ limit: 2, after: 'globex' }), ['initech'], undefined);
      assertPage(await catalog.list({ limit: 3 }), ['acme', 'globex', 'initech'], undefined);
    },
  },
  {
    name: 'goes on after an id that is not there any more',
    check: async (catalog) => {
      assertPage(await catalog.list({ after: 'b' }), ['globex', 'initech'], undefined);
      assertPage(await catalog.list({ after: 'zzz' }), [], undefined);
    },
  },
  {
    name: `holds ${DEFAULT_PAGE} tenants a page when no limit is given, and up to ${MAX_PAGE}`,
    tenants: MANY,
    check: async (catalog) => {
      assert.equal((await catalog.list()).tenants.length, DEFAULT_PAGE);
      assert.equal((await catalog.list({ limit: MAX_PAGE })).tenants.length, MANY.length);
    },
  },
  {
    name: 'refuses a limit that is no whole number from 1 to 1000 with a TenancyConfigurationError',
    check: async (catalog) => {
      for (const limit of [0, -1, 1.5, MAX_PAGE + 1, Number.NaN, Number.POSITIVE_INFINITY]) {
        await assert.rejects(async () => catalog.list({ limit }), TenancyConfigurationError, `a limit of ${limit}`);
      }
    },
  },
  {
    name: 'answers 100 callers at once, each with its own tenant',
    tenants: MANY,
    check: async (catalog) => {
      const ids = MANY.slice(0, 100).map((tenant) => tenant.id);
      const found = await Promise.all(ids.map((id) => catalog.find(id)));
      assert.deepEqual(
        found.map((tenant) => tenant?.id),
        ids,
      );
    },
  },
  {
    name: 'keeps its tenants when a caller tries to change one that it was given',
    check: async (catalog) => {
      for (const tenant of [await catalog.find('acme'), (await catalog.list()).tenants[0]]) {
        assert.ok(tenant);
        Reflect.set(tenant, 'database', 'globex');
        Reflect.set(tenant.domains ?? [], '0', 'globex.com');
        assertSame(await catalog.find('acme'), ACME);
        assertSame(await catalog.findByDomain('acme.com'), ACME);
      }
    },
  },
];

function named(id: string): Tenant {
  return { id, database: `db_${id}` };
}

async function idsOfAllPages(catalog: TenantCatalog, limit: number): Promise<readonly string[]> {
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const { tenants, next } = await catalog.list({ after, limit });
    assert.ok(tenants.length <= limit, `a page of ${limit} held ${tenants.length} tenants`);
    assert.ok(next === undefined || next !== after, '`next` did not move on');
    ids.push(...tenants.map((tenant) => tenant.id));
    after = next;
  } while (after !== undefined);
  return ids;
}

/** A catalogue may give columns of its own beside, and may spell out what is left out. */
function assertSame(actual: Tenant | undefined, expected: Tenant): void {
  assert.ok(actual, `tenant "${expected.id}" was not found`);
  assert.deepEqual(inFull(actual), inFull(expected));
}

function inFull(tenant: Tenant) {
  const { id, database, domains = [] } = tenant;
  return { id, database, server: serverOf(tenant), status: statusOf(tenant), domains: [...domains] };
}

function assertPage(
  page: Awaited<ReturnType<TenantCatalog['list']>>,
  ids: readonly string[],
  next: string | undefined,
) {
  assert.deepEqual(
    page.tenants.map((tenant) => tenant.id),
    ids,
  );
  assert.equal(page.next, next);
}
