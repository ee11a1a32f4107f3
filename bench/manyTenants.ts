import { CachedCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import pg from 'pg';
import { CatalogSession } from '../src/central/CatalogSession.ts';
import { checkServer } from '../src/connections/ServerOptions.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { heapInUse, median, timeOf } from './support/measure.ts';
import { record } from './support/results.ts';

const TENANTS = 100_000;
const NAMES = 1_000_000;
const PEER_NAMES = 2_000;
const MB = 1024 * 1024;
const POLLS = 100;

const postgres = await startPostgres();
const database = 'bench_central';
const manager = await TenantOrmManager.init({
  orm: { entities: [], discovery: { warnWhenNoEntities: false } },
  server: postgres.url,
  central: { database, server: { url: postgres.url }, cache: { pollIntervalMs: 3_600_000, negativeTtlMs: 3_600_000 } },
});
await manager.central.migrate({ createDatabase: true });
const client = new pg.Client({ connectionString: `${postgres.url}/${database}` });
await client.connect();
await client.query(
  `insert into tenancy_tenants (id, database_name) select 'tenant-' || n, 'tenant_' || n from generate_series(1, ${TENANTS}) n`,
);
// Without its trigger, which would change each tenant once more.
await client.query('alter table tenancy_domains disable trigger user');
await client.query(
  `insert into tenancy_domains (domain_name, tenant_id, is_primary, verified_at)
     select 'shop-' || n || '.com', 'tenant-' || n, true, now() from generate_series(1, ${TENANTS}) n`,
);
await client.query('alter table tenancy_domains enable trigger user');
await client.query('vacuum analyze');

const before = heapInUse();
const firstMs = await timeOf(() => manager.catalog.find('tenant-1'));
const indexBytes = heapInUse() - before;

const session = new CatalogSession({ server: checkServer('central', postgres.url), database, notify: false });
await session.read();
const polls: number[] = [];
for (let poll = 0; poll < POLLS; poll += 1) {
  polls.push(await timeOf(() => session.read()));
}
const pollMs = median(polls);
await session.close();

/** Nanoseconds for each of so many look-ups. */
async function nsEach(names: number, look: (n: number) => Promise<unknown>): Promise<number> {
  const all = await timeOf(async () => {
    for (let n = 0; n < names; n += 1) {
      await look(n);
    }
  });
  return (all / names) * 1e6;
}

const cache = manager.catalog as unknown as CachedCatalog;
const { size } = cache;
const unknownNs = await nsEach(NAMES, (n) => manager.catalog.find(`x${n}`));
const knownNs = await nsEach(NAMES, () => manager.catalog.find('tenant-1'));
const grown = cache.size;
if (grown.cached !== size.cached || grown.indexed !== TENANTS) {
  throw new Error(`The scan left ${JSON.stringify(grown)} instead of ${JSON.stringify(size)}.`);
}
const byQuery = new CachedCatalog({
  find: async (id) => (await client.query('select * from tenancy_tenants where id = $1', [id])).rows[0],
  findByDomain: async () => undefined,
  list: async () => ({ tenants: [], next: undefined }),
});
const peerUnknownNs = await nsEach(PEER_NAMES, (n) => byQuery.find(`x${n}`));

record('manyTenants', {
  question: `What does a catalogue of ${TENANTS} tenants, each with a domain, cost one process?`,
  peer: `a cache that is told of no changes and asks for each new name, ${PEER_NAMES} of them`,
  figures: [
    { what: 'the first lookup, which reads all ids and domains', unit: 'ms', ours: firstMs },
    { what: 'heap of the ids and domains', unit: 'MB', ours: indexBytes / MB },
    { what: 'a poll without changes', unit: 'ms', ours: pollMs },
    { what: 'a known tenant', unit: 'ns', ours: knownNs },
    {
      what: `a name that nobody has, ${NAMES} of them`,
      unit: 'ns',
      ours: unknownNs,
      peer: peerUnknownNs,
      ratio: peerUnknownNs / unknownNs,
    },
  ],
});
await client.end();
await manager.close();
await postgres.stop();
