import { percentile } from '../support/arrivals.ts';
import type { BenchServer } from '../support/BenchServer.ts';
import { median } from '../support/measure.ts';
import { PeerLoad } from './PeerLoad.ts';
import { type PeerMemory, PeerProcess } from './PeerProcess.ts';
import { OURS, optionsOf, type PeerSide, sides } from './plan.ts';
import { TABLES } from './tables.ts';

/** Tenants that are asked before anything is measured, so that code is compiled. */
const EARLIER = 5;
const COLD = 30;
const ROUNDS = 3;
/** Visited at a time, with their connections closed before the next ones: the server would not take more. */
const BATCH = 40;
const BATCHES = 5;
/** How often the first ones are visited, so that the engine has compiled what all share and its heap has grown. */
const EARLIER_VISITS = 8;
/** Soon closed, so that what is weighed is the tenant and not its connections. */
const IDLE_MS = 500;

export interface TenantCosts {
  readonly side: string;
  /** The first request of a tenant, in milliseconds. */
  readonly coldP50: number;
  readonly coldP95: number;
  /** Cold start of this one to ours, the median of the rounds. */
  readonly coldRatio: number;
  /** Processor time of the process for it, in milliseconds. */
  readonly coldCpuMs: number;
  /** What a tenant of ten tables that was read once weighs when its connections are closed, in kilobytes. */
  readonly heapKb: number;
  readonly rssKb: number;
}

/** What one tenant more costs: the Maps alone, as a cache only bounds the number of tenants. */
export async function tenantCosts(server: BenchServer, databases: readonly string[]): Promise<TenantCosts[]> {
  const racing = sides.filter(({ isCache }) => !isCache);
  const cold = new Map<string, ColdStarts[]>(racing.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let index = 0; index < racing.length; index += 1) {
      const side = racing[(round + index) % racing.length] as PeerSide;
      cold.get(side.name)?.push(await coldStarts(server, databases, side));
    }
  }
  const ours = (cold.get(OURS) ?? []).map(({ took }) => median(took));
  const costs: TenantCosts[] = [];
  for (const side of racing) {
    const rounds = cold.get(side.name) ?? [];
    const took = rounds.flatMap((starts) => starts.took);
    const { heap, rss } = await memoryOfEach(server, databases, side);
    costs.push({
      side: side.name,
      coldP50: median(took),
      coldP95: percentile(took, 0.95),
      coldRatio: median(rounds.map((starts, round) => median(starts.took) / (ours[round] as number))),
      coldCpuMs: median(rounds.map(({ cpuMs }) => cpuMs)),
      heapKb: heap / 1_024,
      rssKb: rss / 1_024,
    });
    console.log('  a tenant of', costs.at(-1));
  }
  return costs;
}

interface ColdStarts {
  readonly took: readonly number[];
  /** For each of them. */
  readonly cpuMs: number;
}

async function coldStarts(server: BenchServer, databases: readonly string[], side: PeerSide): Promise<ColdStarts> {
  await server.untilNoSessions();
  await using peer = await PeerProcess.start(optionsOf(side, { url: server.url, databases }));
  using load = await PeerLoad.open(peer.port, 1);
  for (let visit = 0; visit < EARLIER * 100; visit += 1) {
    await ask(load, visit % EARLIER, visit % TABLES);
  }
  const took: number[] = [];
  const before = await peer.cpuUs();
  for (let tenant = EARLIER; tenant < EARLIER + COLD; tenant += 1) {
    const startedAt = performance.now();
    await ask(load, tenant, 0);
    took.push(performance.now() - startedAt);
  }
  return { took, cpuMs: ((await peer.cpuUs()) - before) / COLD / 1_000 };
}

async function memoryOfEach(server: BenchServer, databases: readonly string[], side: PeerSide) {
  await server.untilNoSessions();
  const place = { url: server.url, databases, idleTimeoutMs: IDLE_MS };
  await using peer = await PeerProcess.start(optionsOf(side, place));
  using load = await PeerLoad.open(peer.port, 1);
  let before: PeerMemory | undefined;
  for (let batch = 0; batch <= BATCHES; batch += 1) {
    const visits = BATCH * TABLES * (batch === 0 ? EARLIER_VISITS : 1);
    for (let visit = 0; visit < visits; visit += 1) {
      await ask(load, batch * BATCH + (Math.floor(visit / TABLES) % BATCH), visit % TABLES);
    }
    await server.untilNoSessions();
    before ??= await peer.memory();
  }
  const after = await peer.memory();
  const tenants = BATCH * BATCHES;
  return {
    heap: (after.heapUsed - (before?.heapUsed ?? 0)) / tenants,
    rss: (after.rss - (before?.rss ?? 0)) / tenants,
  };
}

async function ask(load: PeerLoad, tenant: number, table: number): Promise<void> {
  const { status, text } = await load.ask(tenant, table);
  if (status !== 200) {
    throw new Error(`Tenant ${tenant} was answered ${status}: ${text}`);
  }
}
