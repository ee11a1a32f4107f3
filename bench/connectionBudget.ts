import { PgBouncer } from '../test/support/pgbouncer/PgBouncer.ts';
import { BenchServer } from './support/BenchServer.ts';
import { BudgetSide, type BudgetSideKind, type BudgetTurn } from './support/BudgetSide.ts';
import { entities } from './support/entities.ts';
import { median } from './support/measure.ts';
import { type Figure, record } from './support/results.ts';

const TENANTS = 1_000;
const ROWS = 5;
const CONNECTIONS = 50;
const CONCURRENCY = 64;
/** Each side is started this often: as many connections as the server takes leave no room for two sides at once. */
const ROUNDS = 3;
const WARM_UP_MS = 3_000;
const TURN_MS = 5_000;

interface Scenario {
  readonly what: string;
  readonly traffic: 'uniform' | 'zipf';
  readonly tenants: number;
  readonly peers: readonly BudgetSideKind[];
  /** What the ratio to a peer shall be. */
  readonly aims: Readonly<Partial<Record<BudgetSideKind, number>>>;
}

const LIMIT = 'one-database';
/** A pooler is measured where there is one. */
const PEERS: readonly BudgetSideKind[] = [
  'orm-cache',
  'pool-each',
  ...(PgBouncer.program === undefined ? [] : (['pgbouncer'] as const)),
];

const scenarios: Scenario[] = [
  {
    what: 'Zipf',
    traffic: 'zipf',
    tenants: TENANTS,
    peers: [...PEERS, LIMIT],
    aims: { 'orm-cache': 2 },
  },
  { what: 'uniform', traffic: 'uniform', tenants: TENANTS, peers: [...PEERS, LIMIT], aims: {} },
  { what: 'a working set of 40', traffic: 'uniform', tenants: 40, peers: [LIMIT], aims: { [LIMIT]: 0.8 } },
];

async function figuresOf(server: BenchServer, databases: readonly string[], scenario: Scenario): Promise<Figure[]> {
  const { what, traffic, tenants, peers, aims } = scenario;
  const turns = new Map<BudgetSideKind, BudgetTurn[]>((['tenancy', ...peers] as const).map((is) => [is, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [is, ofSide] of turns) {
      await using pooler = is === 'pgbouncer' ? await startPgBouncer(server) : undefined;
      const url = pooler?.url ?? server.url;
      const options = { is, url, traffic, concurrency: CONCURRENCY, maxConnections: CONNECTIONS };
      await using side = await BudgetSide.start({ ...options, databases: databases.slice(0, tenants) });
      await side.turn(WARM_UP_MS);
      ofSide.push(await side.turn(TURN_MS));
    }
    await server.untilNoSessions();
  }
  const ours = turns.get('tenancy') ?? [];
  return peers.flatMap((is) => {
    const peer = turns.get(is) ?? [];
    const ratio = median(ours.map((turn, round) => turn.perSecond / (peer[round] as BudgetTurn).perSecond));
    const least = aims[is];
    return [
      {
        what: `${what}, beside ${is}`,
        unit: 'requests/s',
        ours: median(ours.map(({ perSecond }) => perSecond)),
        peer: median(peer.map(({ perSecond }) => perSecond)),
        ratio,
        ...(least === undefined ? {} : { aim: { is: `≥ ${least}`, met: ratio >= least } }),
      },
      {
        what: `${what}, beside ${is}: p99`,
        unit: 'ms',
        ours: median(ours.map(({ p99 }) => p99)),
        peer: median(peer.map(({ p99 }) => p99)),
      },
      { what: `${what}, beside ${is}: errors`, unit: 'errors', ours: errorsOf(ours), peer: errorsOf(peer) },
    ];
  });
}

/** With as many connections to the server as the others have. It closes idle ones of one database for another. */
function startPgBouncer(server: BenchServer): Promise<PgBouncer> {
  return PgBouncer.start(server.url, { poolSize: 4, maxServerConnections: CONNECTIONS, maxClients: 4 * TENANTS });
}

function errorsOf(turns: readonly BudgetTurn[]): number {
  return turns.flatMap(({ errors }) => Object.values(errors)).reduce((sum, count) => sum + count, 0);
}

await using server = await BenchServer.start(CONNECTIONS + 20);
const databases = await server.createDatabases({ entities: entities(10), rowsPerTable: ROWS, count: TENANTS });
const figures: Figure[] = [];
for (const scenario of scenarios) {
  figures.push(...(await figuresOf(server, databases, scenario)));
}

record('connectionBudget', {
  question: `How many requests do ${TENANTS} tenants get through ${CONNECTIONS} connections?`,
  peer:
    'orm-cache: a hand-written cache of as many MikroORMs, least recently used; pool-each: a MikroORM with its pool for ' +
    'each tenant; pgbouncer: the same through PgBouncer in transaction mode with a wildcard database; one-database: a single MikroORM with as many connections, the limit',
  figures,
  postgres: server.version,
});
