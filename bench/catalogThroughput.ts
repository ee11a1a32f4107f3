import { BenchServer } from './support/BenchServer.ts';
import { writeTenants } from './support/centralTenants.ts';
import { entities } from './support/entities.ts';
import { DOMAINS, KoaProcess, type KoaServerKind, type KoaServerOptions } from './support/KoaProcess.ts';
import { comparedByProcess, KoaSide, type Turn } from './support/KoaSide.ts';
import { type Figure, record } from './support/results.ts';

const ROWS = 5;
/** Of the application, each read before the measuring begins. */
const ENTITIES = 5;
const TENANTS = 5;
const LIMITS = { maxConnections: 22, maxConnectionsPerTenant: 4 } as const;
const LOAD = { concurrency: 16, warmUpMs: 3_000, roundMs: 500 } as const;
/** How well the engine compiles differs from process to process by a tenth and more, so there are many. */
const PROCESSES = 12;
/** Turns of each side in each process. */
const ROUNDS = 8;
const AIM = 0.98;

/**
 * The second static one is the same as the first: what it is apart from it is what the machine and the engine make of two
 * equal things, and no smaller difference says anything.
 */
const OWN_PROCESSES = {
  static: 'tenancy',
  control: 'tenancy',
  database: 'tenancy-database',
  migrating: 'tenancy-database-migrating',
} as const satisfies Record<string, KoaServerKind>;

/** Of each process. */
type Turns<Name extends string> = Record<Name, Turn[][]>;

await using server = await BenchServer.start(150);
const databases = await server.createDatabases({
  entities: entities(ENTITIES),
  rowsPerTable: ROWS,
  count: TENANTS + 1,
});
const [central = '', ...tenants] = databases;
await writeTenants(server.url, central, tenants);

const optionsOf = (is: KoaServerKind): KoaServerOptions => ({
  ...{ is, url: server.url, databases: tenants, central, rows: ROWS, entities: ENTITIES, ...LIMITS },
});

/** Turns of sides that run beside each other, each time begun with another of them, and as often anew. */
async function turnsOf<Name extends string>(
  names: readonly Name[],
  startAll: (stack: AsyncDisposableStack) => Promise<(name: Name) => Promise<KoaSide>>,
): Promise<Turns<Name>> {
  const turns = Object.fromEntries(names.map((name) => [name, []])) as unknown as Turns<Name>;
  for (let index = 0; index < PROCESSES; index += 1) {
    await using stack = new AsyncDisposableStack();
    const start = await startAll(stack);
    const sides: { readonly side: KoaSide; readonly of: Turn[] }[] = [];
    for (let at = 0; at < names.length; at += 1) {
      const name = names[(index + at) % names.length] as Name;
      const of: Turn[] = [];
      turns[name].push(of);
      sides.push({ side: stack.use(await start(name)), of });
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let at = 0; at < sides.length; at += 1) {
        const { side, of } = sides[(round + at) % sides.length] as (typeof sides)[number];
        of.push(await side.turn());
      }
    }
  }
  return turns;
}

const together = await turnsOf(Object.keys(DOMAINS) as (keyof typeof DOMAINS)[], async (stack) => {
  const options = optionsOf('tenancy-of-both');
  const koa = stack.use(await KoaProcess.start(options));
  return (name) => KoaSide.of(koa, options, LOAD, DOMAINS[name]);
});
const apart = await turnsOf(Object.keys(OWN_PROCESSES) as (keyof typeof OWN_PROCESSES)[], async () => (name) => {
  return KoaSide.start(optionsOf(OWN_PROCESSES[name]), LOAD);
});

function figuresOf<Name extends string>(
  what: string,
  turns: Turns<Name | 'static'>,
  name: Name,
  aim?: number,
): Figure[] {
  const perSecond = comparedByProcess(turns[name], turns.static, (turn) => turn.perSecond);
  const cpu = comparedByProcess(turns[name], turns.static, (turn) => turn.cpuUs);
  const aimed = aim === undefined ? {} : { aim: { is: `≥ ${aim}`, met: perSecond.ratio >= aim } };
  return [
    { what, unit: 'requests/s', ...perSecond, ...aimed },
    { what: `${what}: processor time of the server`, unit: 'µs/request', ...cpu },
  ];
}

record('catalogThroughput', {
  question: `What do tenants of the central database cost a Koa application of ${TENANTS} tenants, each request an em.find of ${ROWS} rows?`,
  peer: `the same with a StaticCatalog and without a central database; turns of ${LOAD.roundMs} ms, ${PROCESSES} processes, one more for the load`,
  figures: [
    ...figuresOf('CachedCatalog over DatabaseCatalog, beside StaticCatalog in one process', together, 'database', AIM),
    ...figuresOf('StaticCatalog beside itself in one process', together, 'control'),
    ...figuresOf('CachedCatalog over DatabaseCatalog, a process for each', apart, 'database'),
    ...figuresOf('the same where the process has applied the migrations of the central database', apart, 'migrating'),
    ...figuresOf('StaticCatalog beside itself, a process for each', apart, 'control'),
  ],
  postgres: server.version,
});
