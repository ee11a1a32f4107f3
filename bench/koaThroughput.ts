import { BenchServer } from './support/BenchServer.ts';
import { entities } from './support/entities.ts';
import type { KoaServerKind } from './support/KoaProcess.ts';
import { compared, KoaSide, type Turn } from './support/KoaSide.ts';
import { type Figure, record } from './support/results.ts';

/** A small answer, and a page of a list. */
const [FEW, PAGE] = [5, 50];
/** How well the engine compiles differs from process to process, so each side has several. */
const PROCESSES = 3;
/** Turns of each process. */
const ROUNDS = 4;
const LOAD = { concurrency: 16, warmUpMs: 4_000, roundMs: 2_000 } as const;
const TENANTS = 300;

interface Scenario {
  readonly what: string;
  readonly rows: number;
  readonly tenants: number;
  readonly maxConnections: number;
  /** One for each where the whole budget is to go round. */
  readonly maxConnectionsPerTenant: number;
  readonly peers: readonly KoaServerKind[];
  readonly isLimitShown?: boolean;
}

const AIM = 0.97;
const SINGLE = 'single-tenant';
const PLAIN = 'plain-by-host';
/** What PostgreSQL itself loses to the number of databases, without any ORM in front. */
const LIMIT = ['bare-by-host', 'bare-single'] as const;

const five = { tenants: 5, maxConnections: 22, maxConnectionsPerTenant: 4 };
const many = { tenants: TENANTS, maxConnections: 302, maxConnectionsPerTenant: 1 };
const scarce = { tenants: TENANTS, maxConnections: 50, maxConnectionsPerTenant: 4 };

const scenarios: Scenario[] = [
  { what: '5 tenants', rows: FEW, ...five, peers: [SINGLE, PLAIN], isLimitShown: true },
  { what: '5 tenants, 50 rows', rows: PAGE, ...five, peers: [SINGLE, PLAIN] },
  { what: '300 tenants', rows: FEW, ...many, peers: [SINGLE, PLAIN], isLimitShown: true },
  { what: '300 tenants, 50 rows', rows: PAGE, ...many, peers: [SINGLE, PLAIN] },
  { what: '300 tenants, a budget of 50', rows: FEW, ...scarce, peers: [SINGLE] },
];

type Turns = Map<KoaServerKind, Turn[]>;

/** Lets fresh processes of all sides take their turns; another one begins each time. Adds to `turns`. */
async function race(
  server: BenchServer,
  databases: readonly string[],
  scenario: Scenario,
  turns: Turns,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { rows, maxConnections, maxConnectionsPerTenant } = scenario;
  const sides: KoaSide[] = [];
  for (const is of turns.keys()) {
    const ofSide = is === SINGLE || is === 'bare-single' ? databases.slice(-1) : databases.slice(0, scenario.tenants);
    const options = { is, url: server.url, databases: ofSide, rows, maxConnections, maxConnectionsPerTenant };
    sides.push(stack.use(await KoaSide.start(options, LOAD)));
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let index = 0; index < sides.length; index += 1) {
      const side = sides[(round + index) % sides.length] as KoaSide;
      turns.get(side.is)?.push(await side.turn());
    }
  }
}

async function figuresOf(server: BenchServer, databases: readonly string[], scenario: Scenario): Promise<Figure[]> {
  const { what, peers, maxConnections, tenants, isLimitShown } = scenario;
  const sides: readonly KoaServerKind[] = ['tenancy', ...peers, ...(isLimitShown === true ? LIMIT : [])];
  const turns: Turns = new Map(sides.map((is) => [is, []]));
  for (let index = 0; index < PROCESSES; index += 1) {
    await race(server, databases, scenario, turns);
  }
  const ours = turns.get('tenancy') ?? [];
  const beside = peers.flatMap((is) => {
    const peer = turns.get(is) ?? [];
    const perSecond = compared(ours, peer, (turn) => turn.perSecond);
    const isAimed = is === SINGLE && maxConnections >= tenants;
    const aim = isAimed ? { aim: { is: `≥ ${AIM}`, met: perSecond.ratio >= AIM } } : {};
    const cpu = compared(ours, peer, (turn) => turn.cpuUs);
    return [
      { what: `${what}, beside ${is}`, unit: 'requests/s', ...perSecond, ...aim },
      { what: `${what}, beside ${is}: processor time of the server`, unit: 'µs/request', ...cpu },
    ];
  });
  const [byHost, single] = LIMIT.map((is) => turns.get(is) ?? []);
  if (isLimitShown !== true || byHost === undefined || single === undefined) {
    return beside;
  }
  const limit = compared(byHost, single, (turn) => turn.perSecond);
  return [...beside, { what: `${what}: bare pg over them beside bare pg over one`, unit: 'requests/s', ...limit }];
}

await using server = await BenchServer.start(1_100);
const databases = await server.createDatabases({ entities: entities(1), rowsPerTable: PAGE, count: TENANTS + 1 });
const figures: Figure[] = [];
for (const scenario of scenarios) {
  figures.push(...(await figuresOf(server, databases, scenario)));
}

record('koaThroughput', {
  question: `How many requests does a Koa application answer through \`tenancy\`, each an em.find of ${FEW} or ${PAGE} rows?`,
  peer:
    'single-tenant: RequestContext.create over one MikroORM with as large a pool; plain-by-host: a Map of plain ' +
    'MikroORMs by Host; bare: pg without an ORM. The same handler, turns of two seconds, a process of its own for each side and for the load',
  figures,
  postgres: server.version,
});
