import { BenchServer } from './support/BenchServer.ts';
import { writeTenants } from './support/centralTenants.ts';
import { entities } from './support/entities.ts';
import type { KoaServerKind } from './support/KoaProcess.ts';
import { comparedByProcess, KoaSide, type Turn } from './support/KoaSide.ts';
import { type Figure, record } from './support/results.ts';

const ROWS = 5;
/** Of the application, each read before the measuring begins. */
const ENTITIES = 5;
const TENANTS = 5;
const LIMITS = { maxConnections: 22, maxConnectionsPerTenant: 4 } as const;
const LOAD = { concurrency: 16, warmUpMs: 3_000, roundMs: 500 } as const;
/** How well the engine compiles differs from process to process more than sides do, so each side has many. */
const PROCESSES = 12;
/** Turns of each process. */
const ROUNDS = 8;
const AIM = 0.98;

/**
 * The second `tenancy` is the same as the first: what it is apart from it is what the machine and the processes make of
 * two equal things, and no smaller difference says anything.
 */
const SIDES = {
  static: 'tenancy',
  control: 'tenancy',
  database: 'tenancy-database',
  migrating: 'tenancy-database-migrating',
} as const satisfies Record<string, KoaServerKind>;
type SideName = keyof typeof SIDES;
const NAMES = Object.keys(SIDES) as SideName[];

await using server = await BenchServer.start(150);
const databases = await server.createDatabases({
  entities: entities(ENTITIES),
  rowsPerTable: ROWS,
  count: TENANTS + 1,
});
const [central = '', ...tenants] = databases;
await writeTenants(server.url, central, tenants);
/** Of each process. */
const turns: Record<SideName, Turn[][]> = { static: [], control: [], database: [], migrating: [] };

for (let index = 0; index < PROCESSES; index += 1) {
  await using stack = new AsyncDisposableStack();
  const sides: { readonly name: SideName; readonly side: KoaSide }[] = [];
  for (let at = 0; at < NAMES.length; at += 1) {
    // Another one is started first each time.
    const name = NAMES[(index + at) % NAMES.length] as SideName;
    const options = {
      is: SIDES[name],
      url: server.url,
      databases: tenants,
      central,
      rows: ROWS,
      entities: ENTITIES,
      ...LIMITS,
    };
    sides.push({ name, side: stack.use(await KoaSide.start(options, LOAD)) });
    turns[name].push([]);
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let at = 0; at < sides.length; at += 1) {
      const { name, side } = sides[(round + at) % sides.length] as (typeof sides)[number];
      turns[name].at(-1)?.push(await side.turn());
    }
  }
}

function figuresOf(what: string, name: SideName, aim?: number, peer: SideName = 'static'): Figure[] {
  const perSecond = comparedByProcess(turns[name], turns[peer], (turn) => turn.perSecond);
  const cpu = comparedByProcess(turns[name], turns[peer], (turn) => turn.cpuUs);
  const aimed = aim === undefined ? {} : { aim: { is: `≥ ${aim}`, met: perSecond.ratio >= aim } };
  return [
    { what, unit: 'requests/s', ...perSecond, ...aimed },
    { what: `${what}: processor time of the server`, unit: 'µs/request', ...cpu },
  ];
}

record('catalogThroughput', {
  question: `What do tenants of the central database cost a Koa application of ${TENANTS} tenants, each request an em.find of ${ROWS} rows?`,
  peer: `the same with a StaticCatalog and without a central database; turns of ${LOAD.roundMs} ms, ${PROCESSES} processes of each side, one for the load`,
  figures: [
    ...figuresOf('CachedCatalog over DatabaseCatalog, beside StaticCatalog', 'database', AIM),
    ...figuresOf('the same in a process that has also applied the migrations of the central database', 'migrating'),
    ...figuresOf('StaticCatalog beside itself: what the machine makes of equal things', 'control'),
  ],
  postgres: server.version,
});
