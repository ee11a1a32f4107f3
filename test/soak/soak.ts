// Everything that a fleet of tenants goes through, at random and at once, and whether it shows. See CONTRIBUTING.md.
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import Koa from 'koa';
import { Announcements } from './Announcements.ts';
import { Changes } from './Changes.ts';
import { checkContents } from './checkContents.ts';
import { codeOf } from './codeOf.ts';
import { Jobs } from './Jobs.ts';
import { Judge } from './Judge.ts';
import { activeResources, isEmpty, type Leftovers, leftoversOf, resourcesLeft } from './Leftovers.ts';
import { Operator } from './Operator.ts';
import { Saboteur } from './Saboteur.ts';
import { heapBytes, inMb, Samples } from './Samples.ts';
import { soakMiddleware } from './SoakApp.ts';
import { SoakClients } from './SoakClients.ts';
import { soakSettings } from './SoakSettings.ts';
import { SoakWorld } from './SoakWorld.ts';
import { Tally } from './Tally.ts';

const OPERATORS = 3;
const SAMPLE_EVERY_MS = 10_000;
const REPORT_EVERY_MS = 30_000;
/** Longer than anything takes that was begun before the end. */
const OVERDUE_MS = 90_000;
const REPORT = new URL('../../.data/soak.json', import.meta.url);
/** The part of the samples in which caches fill and code is compiled. */
const WARM_UP = 0.4;
/** What caches still take in a short soak. In a long one it is a few bytes for each request. */
const HEAP_NOISE_BYTES = 10 * 1024 * 1024;

// Its own output counts among what was there before.
void process.stdout.writableLength;
void process.stderr.writableLength;
const resources = activeResources();
const settings = soakSettings();
const { seed } = settings;
console.log(`Soak of ${settings.tenants} tenants; SOAK_SEED=${seed} repeats what is drawn.`);
const preparedAt = performance.now();
const world = await SoakWorld.start(settings.tenants);
console.log(`The tenants are there after ${seconds(performance.now() - preparedAt)} s.`);

const tally = new Tally();
const announcements = new Announcements();
const changes = new Changes();
const judge = new Judge(world, announcements, tally);
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => tally.complain('unannounced', `${event}: ${inspect(error)}`));
}
world.serving.events.on('tenant:evicted', ({ reason }) => tally.count('closed tenants', reason));
world.serving.events.on('connection:closed', ({ reason }) => tally.count('closed connections', reason));

const app = new Koa();
for (const middleware of soakMiddleware(world.serving)) {
  app.use(middleware);
}
app.on('error', (error: unknown) => tally.error(codeOf(error), error));
const server = createServer(app.callback()).listen(0, '127.0.0.1');
await once(server, 'listening');

const startedAt = performance.now();
const cpuBefore = process.cpuUsage();
const delays = monitorEventLoopDelay();
delays.enable();
const endAt = startedAt + settings.minutes * 60_000;
const isOver = (): boolean => performance.now() >= endAt || tally.requests >= settings.requests;
const shared = { seed, world, announcements, tally, changes, judge, isOver };
const taken = new Set<string>();
const clients = new SoakClients({
  ...shared,
  port: (server.address() as AddressInfo).port,
  ids: world.ids,
  underway: () => announcements.underway,
});
const heap = new Samples();
const all = Promise.all([
  clients.run(),
  new Jobs(shared).run(),
  new Saboteur({ ...shared, taken }).run(),
  sampleHeap(),
  ...Array.from({ length: OPERATORS }, (_, n) => new Operator({ ...shared, taken, name: `operator ${n}` }).run()),
]);
const finished = new AbortController();
await Promise.race([all, untilOverdue(finished.signal)]);
finished.abort();
delays.disable();
const tookMs = performance.now() - startedAt;
const { user, system } = process.cpuUsage(cpuBefore);

server.close();
server.closeAllConnections();
await once(server, 'close');
await checkContents(world, changes, tally);
const held = world.serving.stats().leases;
if (held !== 0) {
  tally.complain('leftover', `${held} leases after the last response`);
}
await world.closeManagers();
const left: Leftovers = {
  ...(await leftoversOf([world.serving, world.operating], () => world.sessions())),
  // The servers, their proxy and the sessions of administrators are this program's own, and go first.
  resources: await world.stop().then(() => resourcesLeft(resources)),
};
if (!isEmpty(left)) {
  tally.complain('leftover', JSON.stringify(left));
}

const growth = heap.growth(WARM_UP);
if (growth.grown > HEAP_NOISE_BYTES) {
  tally.complain('leftover', `the heap has grown by ${inMb(growth.grown)} MB`);
}
const report = {
  seed,
  tenants: settings.tenants,
  seconds: seconds(tookMs),
  requests: tally.requests,
  requestsPerSecond: Math.round((tally.requests * 1_000) / tookMs),
  cpuMsPerRequest: { user: msOf(user), system: msOf(system) },
  eventLoopDelayMs: { mean: Math.round(delays.mean / 1e6), max: Math.round(delays.max / 1e6) },
  undisturbed: tally.undisturbed,
  times: tally.times,
  ...Object.fromEntries(
    ['answers', 'errors', 'errors of the app', 'jobs', 'faults', 'closed tenants', 'closed connections'].map((kind) => [
      kind,
      tally.counts(kind),
    ]),
  ),
  heapMb: { first: inMb(growth.first), last: inMb(growth.last), grown: inMb(growth.grown), samples: growth.samples },
  heapBytesPerRequest: Math.round(growth.slope * 10) / 10,
  left,
  complaints: tally.counts('complaints'),
  firstComplaints: tally.complaints,
};
mkdirSync(new URL('.', REPORT), { recursive: true });
writeFileSync(REPORT, `${JSON.stringify(report, undefined, 2)}\n`);
console.log(JSON.stringify(report, undefined, 2));
process.exitCode = tally.complained === 0 ? 0 : 1;

async function sampleHeap(): Promise<void> {
  let reportAt = performance.now() + REPORT_EVERY_MS;
  while (!isOver()) {
    heap.add(tally.requests, heapBytes());
    if (performance.now() > reportAt) {
      reportAt += REPORT_EVERY_MS;
      const elapsed = performance.now() - startedAt;
      console.log(`${seconds(elapsed)} s: ${tally.requests} requests, ${tally.complained} complaints`);
    }
    await pause(SAMPLE_EVERY_MS);
  }
}

/** Ends the process where something never ends. */
async function untilOverdue(signal: AbortSignal): Promise<void> {
  while (!isOver()) {
    await pause(1_000);
  }
  const isOverdue = await pause(OVERDUE_MS, true, { signal }).catch(() => false);
  if (isOverdue) {
    console.error(`After ${seconds(OVERDUE_MS)} s more it is not over: ${inspect(tally.doing)}`);
    console.error(inspect([world.serving.stats(), world.operating.stats()], { depth: 9 }));
    await world.stop();
    process.exit(1);
  }
}

/** Of processor time in microseconds, for each request. */
function msOf(cpuUs: number): number {
  return Math.round(cpuUs / tally.requests / 10) / 100;
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
