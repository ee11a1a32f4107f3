// What opening, using and closing tenants leaves behind, where it should leave nothing. See CONTRIBUTING.md.
import type { TenantOrmManager } from 'mikro-orm-multitenancy';
import { HOUSES, House } from './entities.ts';
import { LeakWorld } from './LeakWorld.ts';
import { activeResources, isEmpty, leftoversOf, resourcesLeft } from './Leftovers.ts';
import { loop } from './Loop.ts';
import { type Growth, inMb } from './Samples.ts';
import { SeededRandom } from './SeededRandom.ts';
import { positive } from './SoakSettings.ts';

const CYCLES = positive(process.env, 'SOAK_CYCLES') ?? 10_000;
const REQUESTS = positive(process.env, 'SOAK_REQUESTS') ?? 100_000;
const SEED = process.env['SOAK_SEED'] ?? 'leaks';

const DATABASES = 200;
const TENANTS = 2_000;
const MAX_OPEN = 200;
const CYCLED = 20;
const AT_ONCE = 4;
const REQUESTS_AT_ONCE = 32;
const SAMPLES = 50;
/** The part of the samples in which caches fill and code is compiled. */
const WARM_UP = 0.4;

/** How often each tenant is read, at least: with fewer requests, handles and caches still fill. */
const JUDGED_FROM = 10;

/** What is no growth: as much as one sample differs from the next by chance. */
const HEAP_NOISE_BYTES = 1024 * 1024;
const RSS_NOISE = 0.05;

// Its own output counts among what was there before.
void process.stdout.writableLength;
void process.stderr.writableLength;
const before = activeResources();
const complaints: string[] = [];
const world = await LeakWorld.start(DATABASES);

async function read(manager: TenantOrmManager, id: string): Promise<void> {
  const houses = await manager.run(id, (em) => em.find(House, {}, { populate: ['rooms'] }));
  if (houses.length !== HOUSES) {
    throw new Error(`${id} has ${houses.length} houses`);
  }
}

/** Opens a tenant, uses it and closes it, again and again. */
async function cycles() {
  const tenants = world.tenants(CYCLED);
  const manager = await world.manager(tenants, CYCLED);
  const resources = activeResources();
  const { heap, perSecond } = await loop({
    ...{ count: CYCLES, atOnce: AT_ONCE, samples: SAMPLES },
    work: async (n) => {
      const id = tenants[n % CYCLED]?.id ?? '';
      await read(manager, id);
      await manager.evict(id);
    },
  });
  const left = await resourcesLeft(resources);
  if (Object.keys(left).length > 0) {
    complaints.push(`after ${CYCLES} cycles there are ${JSON.stringify(left)} more`);
  }
  await closed(manager);
  return { cycles: CYCLES, perSecond, ...heapOf(heap.growth(WARM_UP), CYCLES), resourcesLeft: left };
}

/** Many more tenants than may be open at once. */
async function manyTenants() {
  const tenants = world.tenants(TENANTS);
  const manager = await world.manager(tenants, MAX_OPEN);
  const random = new SeededRandom(SEED, 'requests');
  const { heap, rss, perSecond } = await loop({
    ...{ count: REQUESTS, atOnce: REQUESTS_AT_ONCE, samples: SAMPLES },
    work: () => read(manager, random.pick(tenants).id),
  });
  const { open } = manager.stats().handles;
  if (open > MAX_OPEN) {
    complaints.push(`${open} tenants are open, of at most ${MAX_OPEN}`);
  }
  const resident = rss.growth(WARM_UP);
  const share = resident.grown / resident.first;
  const isJudged = REQUESTS >= JUDGED_FROM * TENANTS;
  if (isJudged && share > RSS_NOISE) {
    complaints.push(`${REQUESTS} requests: the resident size grew by ${Math.round(share * 100)} %`);
  }
  await closed(manager);
  return {
    ...{ requests: REQUESTS, tenants: TENANTS, databases: DATABASES, maxOpen: MAX_OPEN, open, perSecond },
    ...heapOf(heap.growth(WARM_UP), REQUESTS, isJudged),
    isJudged,
    rssMb: { first: inMb(resident.first), last: inMb(resident.last), growthPercent: Math.round(share * 1_000) / 10 },
  };
}

function heapOf(growth: Growth, count: number, isJudged = true) {
  if (isJudged && growth.grown > HEAP_NOISE_BYTES) {
    complaints.push(`${count} times: the heap grows by ${Math.round(growth.slope)} bytes each time`);
  }
  return {
    heapMb: { first: inMb(growth.first), last: inMb(growth.last) },
    heapBytesEach: Math.round(growth.slope * 10) / 10,
  };
}

async function closed(manager: TenantOrmManager): Promise<void> {
  await manager.close();
  const left = { ...(await leftoversOf([manager], () => world.sessions())), resources: {} };
  if (!isEmpty(left)) {
    complaints.push(`a closed manager left ${JSON.stringify(left)}`);
  }
}

const report = { cycles: await cycles(), manyTenants: await manyTenants() };
await world.postgres[Symbol.asyncDispose]();
const left = await resourcesLeft(before);
if (Object.keys(left).length > 0) {
  complaints.push(`at the end there are ${JSON.stringify(left)}`);
}
console.log(JSON.stringify({ ...report, resourcesLeft: left, complaints }, undefined, 2));
process.exitCode = complaints.length === 0 ? 0 : 1;
