// A process of `growth`: opens as many tenants as the parent asks for, and says what everything costs then.
import { Migration } from '@mikro-orm/migrations';
import { TenantOrmManager } from 'mikro-orm-multitenancy';
import pg from 'pg';
import { CatalogSession } from '../../src/central/CatalogSession.ts';
import { checkServer } from '../../src/connections/ServerOptions.ts';
import { percentile } from './arrivals.ts';
import { entities } from './entities.ts';
import { heapInUse, median, timeOf } from './measure.ts';

export interface GrowthOptions {
  readonly url: string;
  readonly tenants: number;
  /** Those that exist. Further tenants have a name of their own, of a database that nobody connects to. */
  readonly databases: readonly string[];
  /** The name of the central database, which is created. */
  readonly central: string;
}

/** Memory is without what the process weighed with one tenant, which has the engine compile what all share. */
export interface GrowthMeasurement {
  readonly heapMb: number;
  readonly rssMb: number;
  /** Of the whole process with one tenant. */
  readonly baseHeapMb: number;
  readonly openUs: number;
  readonly warmP50Ms: number;
  readonly warmP99Ms: number;
  readonly coldP50Ms: number;
  /** `undefined` where not every tenant has a database. */
  readonly statusMs: number | undefined;
  readonly catalogReadMs: number;
  readonly pollMs: number;
}

const WARM_TENANTS = 10;
const WARM_RUNS = 1_500;
const COLD_RUNS = 60;
const POLLS = 100;
const MB = 2 ** 20;

// What polls the catalogue keeps no process alive; the channel to the parent does.
process.channel?.ref();
const options = JSON.parse(process.argv[2] ?? '') as GrowthOptions;
const { url, tenants, central } = options;
const databases = options.databases.slice(0, tenants);

class First extends Migration {
  override up(): void {
    this.addSql('alter table table_0 add column extra int');
  }
}

const tables = entities(10);
const manager = await TenantOrmManager.init({
  orm: { entities: tables, migrations: { migrationsList: [{ name: 'First', class: First }], snapshot: false } },
  server: url,
  central: { database: central, cache: { pollIntervalMs: 3_600_000 } },
  maxOpenTenants: tenants,
});

async function fillCatalog(): Promise<void> {
  await manager.central.migrate({ createDatabase: true });
  const client = new pg.Client({ connectionString: `${url}/${central}` });
  await client.connect();
  const names = Array.from({ length: tenants }, (_, index) => databases[index] ?? `nowhere_${index}`);
  await client.query(
    `insert into tenancy_tenants (id, database_name)
       select 't' || n - 1, name from unnest($1::text[]) with ordinality as names (name, n)`,
    [names],
  );
  await client.query('vacuum analyze');
  await client.end();
}

async function pollMs(): Promise<number> {
  const session = new CatalogSession({ server: checkServer('central', url), database: central, notify: false });
  await session.read();
  const polls: number[] = [];
  for (let poll = 0; poll < POLLS; poll += 1) {
    polls.push(await timeOf(() => session.read()));
  }
  await session.close();
  return median(polls);
}

/** One request: a run with one statement. */
const request = (id: string) => manager.run(id, (em) => em.find(tables[0] as never, {}));
/** Tenants with a database, far from each other. */
const idAt = (index: number, of: number) => `t${Math.floor((index * databases.length) / of)}`;

async function warm(): Promise<number[]> {
  const took: number[] = [];
  for (let run = -WARM_RUNS / 3; run < WARM_RUNS; run += 1) {
    const id = idAt(Math.abs(run) % WARM_TENANTS, WARM_TENANTS);
    const ms = await timeOf(() => request(id));
    if (run >= 0) {
      took.push(ms);
    }
  }
  return took;
}

async function cold(): Promise<number[]> {
  const took: number[] = [];
  for (let run = 0; run < COLD_RUNS; run += 1) {
    const id = idAt(run, COLD_RUNS);
    await manager.evict(id);
    took.push(await timeOf(() => request(id)));
  }
  return took;
}

await fillCatalog();
const catalogReadMs = await timeOf(() => manager.catalog.find('t0'));
await request('t0');
const before = { heap: heapInUse(), rss: process.memoryUsage().rss };
const openMs = await timeOf(async () => {
  for (let index = 1; index < tenants; index += 1) {
    await manager.run(`t${index}`, () => {});
  }
});
const { open } = manager.stats().handles;
if (open !== tenants) {
  throw new Error(`${open} tenants are open, not ${tenants}.`);
}
const after = { heap: heapInUse(), rss: process.memoryUsage().rss };
const warmMs = await warm();
const coldMs = await cold();
const status = async (): Promise<number> => {
  let states = 0;
  const took = await timeOf(async () => {
    const { tenants: reports } = await manager.fleet.status();
    states = reports.filter(({ state }) => state === 'behind').length;
  });
  if (states !== tenants) {
    throw new Error(`${states} tenants of ${tenants} answered.`);
  }
  return took;
};
const measurement: GrowthMeasurement = {
  heapMb: (after.heap - before.heap) / MB,
  rssMb: (after.rss - before.rss) / MB,
  baseHeapMb: before.heap / MB,
  openUs: (openMs / (tenants - 1)) * 1_000,
  warmP50Ms: median(warmMs),
  warmP99Ms: percentile(warmMs, 0.99),
  coldP50Ms: median(coldMs),
  statusMs: databases.length < tenants ? undefined : await status(),
  catalogReadMs,
  pollMs: await pollMs(),
};
await manager.close();
process.send?.(measurement);
process.disconnect();
