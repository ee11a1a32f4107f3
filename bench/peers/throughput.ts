import type { BenchServer } from '../support/BenchServer.ts';
import { median } from '../support/measure.ts';
import { zipf } from '../support/traffic.ts';
import { type LoadTurn, PeerLoad } from './PeerLoad.ts';
import { PeerProcess } from './PeerProcess.ts';
import { OURS, optionsOf, type PeerSide, sides } from './plan.ts';
import { TABLES } from './tables.ts';

export const TENANTS = [5, 300, 1_000] as const;
/** Set `BENCH_ROUNDS` for fewer rounds than a recorded run shall have, or for more. */
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);
export const LOAD = { concurrency: 32, warmUpMs: 3_000, turnMs: 4_000, rounds: ROUNDS } as const;

export interface Throughput {
  readonly tenants: number;
  readonly side: string;
  /** Of answers with status 200. */
  readonly perSecond: number;
  /** Ours to this one, the median of the rounds. */
  readonly ratio: number;
  /** Processor time of the process for each request, answered or not, in microseconds. Other work disturbs it least. */
  readonly cpuUs: number;
  /** That of this one to ours, the median of the rounds. */
  readonly cpuRatio: number;
  readonly p50: number;
  readonly p99: number;
  /** Of all requests. */
  readonly errorShare: number;
  /** In all rounds, by code. */
  readonly errors: Readonly<Record<string, number>>;
  /** Resident memory of the process at the end. */
  readonly rssMb: number;
}

interface Turn extends LoadTurn {
  readonly cpuUs: number;
  readonly rssMb: number;
}

/** An engine that has seen one table compiles an ORM for that one, which no real application has. */
async function seeAllTables(load: PeerLoad): Promise<void> {
  for (let visit = 0; visit < 5 * TABLES; visit += 1) {
    await load.ask(visit % 5, Math.floor(visit / 5));
  }
}

async function turnOf(server: BenchServer, databases: readonly string[], side: PeerSide): Promise<Turn> {
  await server.untilNoSessions();
  await using peer = await PeerProcess.start(optionsOf(side, { url: server.url, databases }));
  using load = await PeerLoad.open(peer.port, LOAD.concurrency);
  await seeAllTables(load);
  const traffic = zipf(databases.length);
  await load.run(traffic, LOAD.warmUpMs);
  const before = await peer.cpuUs();
  const turn = await load.run(traffic, LOAD.turnMs);
  const cpuUs = ((await peer.cpuUs()) - before) / (turn.answered + failedOf(turn));
  return { ...turn, cpuUs, rssMb: (await peer.memory()).rss / 2 ** 20 };
}

/** Every side alone with the server in turns, as all may take as many connections as it has. */
export async function throughput(
  server: BenchServer,
  databases: readonly string[],
  tenants: number,
): Promise<Throughput[]> {
  // A cache of more tenants than there are is a Map.
  const racing = sides.filter(({ isCache }) => !isCache || tenants > 5);
  const turns = new Map<string, Turn[]>(racing.map(({ name }) => [name, []]));
  for (let round = 0; round < LOAD.rounds; round += 1) {
    for (let index = 0; index < racing.length; index += 1) {
      const side = racing[(round + index) % racing.length] as PeerSide;
      const turn = await turnOf(server, databases.slice(0, tenants), side);
      turns.get(side.name)?.push(turn);
      console.log(
        `  ${tenants} tenants, ${side.name}: ${Math.round(turn.perSecond)}/s, ${Math.round(turn.cpuUs)} µs`,
        turn.errors,
      );
    }
  }
  const ours = turns.get(OURS) ?? [];
  return [...turns].map(([side, own]) => summaryOf(tenants, side, own, ours));
}

const failedOf = ({ errors }: LoadTurn): number => Object.values(errors).reduce((sum, count) => sum + count, 0);

function summaryOf(tenants: number, side: string, turns: readonly Turn[], ours: readonly Turn[]): Throughput {
  const of = (key: 'perSecond' | 'cpuUs' | 'p50' | 'p99' | 'rssMb') => median(turns.map((turn) => turn[key]));
  const errors: Record<string, number> = {};
  for (const [code, count] of turns.flatMap((turn) => Object.entries(turn.errors))) {
    errors[code] = (errors[code] ?? 0) + count;
  }
  const failed = turns.reduce((sum, turn) => sum + failedOf(turn), 0);
  const answered = turns.reduce((sum, turn) => sum + turn.answered, 0);
  return {
    tenants,
    side,
    perSecond: of('perSecond'),
    ratio: median(turns.map((turn, round) => (ours[round] as Turn).perSecond / turn.perSecond)),
    cpuUs: of('cpuUs'),
    cpuRatio: median(turns.map((turn, round) => turn.cpuUs / (ours[round] as Turn).cpuUs)),
    p50: of('p50'),
    p99: of('p99'),
    errorShare: failed / (failed + answered),
    errors,
    rssMb: of('rssMb'),
  };
}
