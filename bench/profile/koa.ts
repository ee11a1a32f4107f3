// Where the processor time of an application goes: `npm run bench:profile` for the share of each owner at 300 tenants,
// `npm run bench:profile -- tenancy tenancy-database` for what the second takes more than the first, by function.
import { BenchServer } from '../support/BenchServer.ts';
import { writeTenants } from '../support/centralTenants.ts';
import { entities } from '../support/entities.ts';
import { HttpLoad } from '../support/HttpLoad.ts';
import { KoaProcess, type KoaServerKind } from '../support/KoaProcess.ts';
import { record } from '../support/results.ts';
import { busyUs, type FunctionTime, type Owner, timesOf } from './CpuProfile.ts';

const ROWS = 5;
const CONCURRENCY = 16;
const [WARM_UP_MS, PROFILED_MS] = [8_000, 10_000];
const HOT_PATH: Owner = 'our tenancy, run and acquire';
const AIM = 0.03;
/** Lines of the tables of functions. */
const SHOWN = 30;

interface Profiled {
  readonly times: readonly FunctionTime[];
  readonly answered: number;
}

interface Setup {
  readonly tenants: number;
  readonly entities: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerTenant: number;
}

async function profile(is: KoaServerKind, { tenants, entities: count, ...limits }: Setup): Promise<Profiled> {
  await using server = await BenchServer.start(limits.maxConnections + 20);
  const databases = await server.createDatabases({
    entities: entities(count),
    rowsPerTable: ROWS,
    count: tenants + 1,
  });
  const [central = '', ...own] = databases;
  if (is.startsWith('tenancy-database')) {
    await writeTenants(server.url, central, own);
  }
  await using koa = await KoaProcess.start({
    is,
    url: server.url,
    databases: own,
    central,
    rows: ROWS,
    entities: count,
    ...limits,
  });
  using load = await HttpLoad.open(
    koa.port,
    CONCURRENCY,
    own.map((_, index) => `t${index}.example.com`),
  );
  await load.visitAll();
  await load.run(WARM_UP_MS);
  let answered = 0;
  const cpuProfile = await koa.profile(async () => {
    ({ answered } = await load.run(PROFILED_MS));
  });
  return { times: timesOf(cpuProfile), answered };
}

/** What each owner takes of the processor time. */
function sharesOf({ times }: Profiled): Map<Owner, number> {
  const busy = busyUs(times);
  const shares = new Map<Owner, number>();
  for (const { owner, us } of times) {
    if (owner !== 'idle') {
      shares.set(owner, (shares.get(owner) ?? 0) + us / busy);
    }
  }
  return shares;
}

async function shares(): Promise<void> {
  const setup = { tenants: 300, entities: 5, maxConnections: 302, maxConnectionsPerTenant: 1 };
  const [ours, plain] = [await profile('tenancy', setup), await profile('plain-by-host', setup)];
  for (const { name, us } of ours.times.filter(({ owner }) => owner.startsWith('our ')).slice(0, SHOWN)) {
    console.log(`  ${(us / ours.answered).toFixed(2)} µs  ${name}`);
  }
  const [own, beside] = [sharesOf(ours), sharesOf(plain)];
  const owners = [...new Set([...own.keys(), ...beside.keys()])];
  const shareOf = (owner: Owner): number => own.get(owner) ?? 0;
  record('hotPath', {
    question: 'Whose functions take the processor time of a Koa application of 300 tenants, without what they call?',
    peer: 'plain MikroORMs by Host',
    figures: owners
      .sort((one, other) => shareOf(other) - shareOf(one))
      .map((owner) => ({
        what: owner,
        unit: 'of the processor time',
        ours: shareOf(owner),
        peer: beside.get(owner) ?? 0,
        ...(owner === HOT_PATH ? { aim: { is: `≤ ${AIM}`, met: shareOf(owner) <= AIM } } : {}),
      })),
  });
  for (const [what, { times, answered }] of Object.entries({ ours, plain })) {
    console.log(`  ${what}: ${(busyUs(times) / answered).toFixed(0)} µs a request`);
  }
}

async function compare(one: KoaServerKind, other: KoaServerKind): Promise<void> {
  const setup = { tenants: 5, entities: 5, maxConnections: 22, maxConnectionsPerTenant: 4 };
  const [before, after] = [await profile(one, setup), await profile(other, setup)];
  const perRequest = ({ times, answered }: Profiled) =>
    new Map(times.map(({ name, owner, us }) => [`${name} (${owner})`, us / answered]));
  const [first, second] = [perRequest(before), perRequest(after)];
  const more = [...new Set([...first.keys(), ...second.keys()])]
    .map((name) => ({ name, us: (second.get(name) ?? 0) - (first.get(name) ?? 0) }))
    .filter(({ name }) => !name.startsWith('(idle)'))
    .sort((a, b) => Math.abs(b.us) - Math.abs(a.us));
  const [was, is] = [before, after].map(({ times, answered }) => busyUs(times) / answered) as [number, number];
  console.log(`${other} takes ${is.toFixed(1)} µs a request, ${one} ${was.toFixed(1)}:`);
  for (const { name, us } of more.slice(0, SHOWN)) {
    console.log(`  ${us > 0 ? '+' : ''}${us.toFixed(2)} µs  ${name}`);
  }
}

const [one, other] = process.argv.slice(2) as KoaServerKind[];
await (one === undefined || other === undefined ? shares() : compare(one, other));
