import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import pg from 'pg';
import { arrivals, percentile } from './support/arrivals.ts';
import { BenchServer } from './support/BenchServer.ts';
import { entities } from './support/entities.ts';
import { median } from './support/measure.ts';
import { type Figure, record } from './support/results.ts';

const TENANTS = 20;
/** As many for us as for all the pools together: one for each tenant, or two. */
const SIZES = [20, 40];
const QUIET_PER_SECOND = 4;
const NOISY_PER_SECOND = 100 * QUIET_PER_SECOND;
/** What a request waits for in its database: connections are what is scarce, not the processor. */
const QUERY = 'select pg_sleep(0.015)';
/** Callers of both wait as long. */
const ACQUIRE_TIMEOUT_MS = 6_000;
const SECONDS = 4;
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

async function figuresOf(server: BenchServer, databases: readonly string[], connections: number): Promise<Figure[]> {
  await using manager = await TenantOrmManager.init({
    orm: { entities: entities(1) },
    // One of them is kept for migrations.
    server: {
      url: server.url,
      maxConnections: connections,
      reservedConnections: 1,
      acquireTimeoutMs: ACQUIRE_TIMEOUT_MS,
    },
    catalog: new StaticCatalog(databases.map((database, n) => ({ id: `tenant-${n}`, database }))),
  });
  const pools = databases.map((database) => {
    const options = { connectionString: `${server.url}/${database}`, max: connections / TENANTS };
    return new pg.Pool({ ...options, connectionTimeoutMillis: ACQUIRE_TIMEOUT_MS });
  });
  const ours: Send = (tenant) => manager.run(`tenant-${tenant}`, (em) => em.execute(QUERY));
  const peer: Send = async (tenant) => pools[tenant]?.query(QUERY);
  await pair(ours);
  await pair(peer);
  const pairs: { readonly ours: Pair[]; readonly peer: Pair[] } = { ours: [], peer: [] };
  for (let n = 0; n < ROUNDS; n += 1) {
    pairs.ours.push(await pair(ours));
    pairs.peer.push(await pair(peer));
  }
  await Promise.all(pools.map((pool) => pool.end()));
  const both = (of: (pairs: readonly Pair[]) => number) => ({ ours: of(pairs.ours), peer: of(pairs.peer) });
  const ratio = ratioOf(pairs.ours);
  const on = `${connections} connections`;
  return [
    { what: `${on}: p99 of the others without it`, unit: 'ms', ...both((of) => p99(of, 'calm')) },
    { what: `${on}: p99 of the others with it`, unit: 'ms', ...both((of) => p99(of, 'noisy')) },
    {
      what: `${on}: how many times longer the others take with it`,
      unit: 'times',
      ...both(ratioOf),
      aim: { is: '≤ 2', met: ratio <= 2 },
    },
    { what: `${on}: the noisy tenant is served`, unit: 'requests/s', ...both(served) },
    { what: `${on}: requests of the others that failed`, unit: 'requests', ...both(failures) },
  ];
}

await using server = await BenchServer.start(150);
const databases = await server.createDatabases({ entities: entities(1), rowsPerTable: 0, count: TENANTS });
const figures: Figure[] = [];
for (const connections of SIZES) {
  figures.push(...(await figuresOf(server, databases, connections)));
}
record('noisyNeighbour', {
  question: `What do ${TENANTS - 1} tenants notice of one with 100 times their load?`,
  peer: 'a plain pg.Pool for each tenant, as many connections in all; both take turns',
  figures,
  postgres: server.version,
});
