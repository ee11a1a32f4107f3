import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import pg from 'pg';
import { arrivals, percentile } from './support/arrivals.ts';
import { BenchServer } from './support/BenchServer.ts';
import { entities } from './support/entities.ts';
import { median } from './support/measure.ts';
import { type Figure, record } from './support/results.ts';

const TENANTS = 20;
/** As many for us as for all the pools together. */
const CONNECTIONS = 20;
const QUIET_PER_SECOND = 4;
const NOISY_PER_SECOND = 100 * QUIET_PER_SECOND;
/** What a request waits for in its database: connections are what is scarce, not the processor. */
const QUERY = 'select pg_sleep(0.015)';
const SECONDS = 5;
const ROUNDS = 5;

/** What the others and the noisy tenant have of one round. */
interface Round {
  readonly p99Ms: number;
  readonly failed: number;
  readonly noisyServed: number;
}

type Send = (tenant: number) => Promise<unknown>;

async function round(send: Send, noisyPerSecond: number): Promise<Round> {
  const perSecond = Array.from({ length: TENANTS }, (_, tenant) => (tenant === 0 ? noisyPerSecond : QUIET_PER_SECOND));
  const samples = await arrivals({ perSecond, seconds: SECONDS, send });
  const others = samples.filter(({ tenant }) => tenant !== 0);
  return {
    p99Ms: percentile(
      others.map(({ tookMs }) => tookMs),
      0.99,
    ),
    failed: others.filter(({ failed }) => failed).length,
    noisyServed: samples.filter(({ tenant, failed }) => tenant === 0 && !failed).length / SECONDS,
  };
}

/** What a round is without the noisy tenant and with it. */
interface Pair {
  readonly calm: Round;
  readonly noisy: Round;
}

async function pair(send: Send): Promise<Pair> {
  return { calm: await round(send, QUIET_PER_SECOND), noisy: await round(send, NOISY_PER_SECOND) };
}

const p99 = (pairs: readonly Pair[], which: keyof Pair): number => median(pairs.map((one) => one[which].p99Ms));
const ratioOf = (pairs: readonly Pair[]): number => median(pairs.map(({ calm, noisy }) => noisy.p99Ms / calm.p99Ms));
const served = (pairs: readonly Pair[]): number => median(pairs.map(({ noisy }) => noisy.noisyServed));
const failures = (pairs: readonly Pair[]): number =>
  pairs.reduce((sum, { calm, noisy }) => sum + calm.failed + noisy.failed, 0);

await using server = await BenchServer.start(100);
const databases = await server.createDatabases({ entities: entities(1), rowsPerTable: 0, count: TENANTS });
await using manager = await TenantOrmManager.init({
  orm: { entities: entities(1) },
  server: { url: server.url, maxConnections: CONNECTIONS, reservedConnections: 1 },
  catalog: new StaticCatalog(databases.map((database, n) => ({ id: `tenant-${n}`, database }))),
});
const ours: Send = (tenant) => manager.run(`tenant-${tenant}`, (em) => em.execute(QUERY));
/** A budget of 20 in which one is kept for migrations, beside 20 pools of one. */
const pools = databases.map((database) => {
  const options = { connectionString: `${server.url}/${database}`, max: CONNECTIONS / TENANTS };
  // As long as our callers wait.
  return new pg.Pool({ ...options, connectionTimeoutMillis: 3_000 });
});
const peer: Send = async (tenant) => pools[tenant]?.query(QUERY);

await pair(ours);
await pair(peer);
const pairs: { readonly ours: Pair[]; readonly peer: Pair[] } = { ours: [], peer: [] };
for (let n = 0; n < ROUNDS; n += 1) {
  pairs.ours.push(await pair(ours));
  pairs.peer.push(await pair(peer));
}
await Promise.all(pools.map((pool) => pool.end()));

const ratio = ratioOf(pairs.ours);
const figures: Figure[] = [
  { what: 'p99 of the others without it', unit: 'ms', ours: p99(pairs.ours, 'calm'), peer: p99(pairs.peer, 'calm') },
  { what: 'p99 of the others with it', unit: 'ms', ours: p99(pairs.ours, 'noisy'), peer: p99(pairs.peer, 'noisy') },
  {
    what: 'how many times longer the others take with it',
    unit: 'times',
    ours: ratio,
    peer: ratioOf(pairs.peer),
    aim: { is: '≤ 2', met: ratio <= 2 },
  },
  { what: 'the noisy tenant is served', unit: 'requests/s', ours: served(pairs.ours), peer: served(pairs.peer) },
  { what: 'requests of the others that failed', unit: '', ours: failures(pairs.ours), peer: failures(pairs.peer) },
];
record('noisyNeighbour', {
  question: `What do ${TENANTS - 1} tenants notice of one with 100 times their load?`,
  peer: `a plain pg.Pool for each tenant, ${CONNECTIONS} connections in all, so one each; both take turns`,
  figures,
  postgres: server.version,
});
