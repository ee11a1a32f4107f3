import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { CachedCatalog, DatabaseCatalog, StaticCatalog, type Tenant, type TenantCatalog } from 'mikro-orm-multitenancy';
import { type CatalogUnderTest, catalogConformance } from '../../../src/testing/index.ts';
import { CentralWorld } from '../../support/central/CentralWorld.ts';
import { Customer, type CustomerManager } from '../../support/central/customers.ts';
import { serverUrl } from '../../support/databases.ts';

/** 100 callers wait for a few connections, on a machine that may be slow. */
const PATIENT = { url: serverUrl(), acquireTimeoutMs: 20_000 };

describe('every catalogue', () => {
  let world: CentralWorld;
  let manager: CustomerManager;
  beforeAll(async () => {
    world = await CentralWorld.create();
    manager = await world.manager({ server: PATIENT });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  async function fill(tenants: readonly Tenant[]): Promise<void> {
    await world.query('delete from tenancy_tenants');
    const rows = JSON.stringify(
      tenants.map(({ server = 'default', status = 'active', ...of }) => ({ ...of, server, status })),
    );
    await world.query(
      `insert into tenancy_tenants (id, database_name, server, status)
         select id, database, server, status from jsonb_to_recordset($1) as t (id text, database text, server text, status text)`,
      [rows],
    );
    await world.query(
      `insert into tenancy_domains (domain_name, tenant_id, is_primary, verified_at)
         select d.domain, t.id, d.position = 1, now() from jsonb_to_recordset($1) as t (id text, domains jsonb),
           jsonb_array_elements_text(coalesce(t.domains, '[]')) with ordinality as d (domain, position)`,
      [rows],
    );
  }

  const stores: Readonly<Record<string, (tenants: readonly Tenant[]) => Promise<CatalogUnderTest>>> = {
    'a DatabaseCatalog': async (tenants) => {
      await fill(tenants);
      return { catalog: new DatabaseCatalog({ tenant: Customer, fork: () => manager.central.fork() }) };
    },
    'a CachedCatalog over a DatabaseCatalog that nobody tells of changes': async (tenants) => {
      await fill(tenants);
      const source = new DatabaseCatalog({ tenant: Customer, fork: () => manager.central.fork() });
      return { catalog: new CachedCatalog(source, { maxLookups: 1_000 }) };
    },
    'the catalogue of a central database': async (tenants) => {
      await fill(tenants);
      const own = await world.manager({ server: PATIENT });
      return { catalog: own.catalog, close: () => own.close() };
    },
    'an object with three functions': async (tenants) => {
      const known = new StaticCatalog(tenants);
      const catalog: TenantCatalog = {
        find: (id) => known.find(id),
        findByDomain: (domain) => known.findByDomain(domain),
        list: (options) => known.list(options),
      };
      return { catalog };
    },
  };

  for (const [what, build] of Object.entries(stores)) {
    describe(`such as ${what}`, () => {
      for (const { name, run } of catalogConformance(build)) {
        it(name, run);
      }
    });
  }
});
