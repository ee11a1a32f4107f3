import { RewritingPooler } from '../../../test/support/isolation/RewritingPooler.ts';
import type { App, AppOptions, Leak, Specials } from './Layer.ts';
import { TENANTS, type World } from './World.ts';

export interface Scenario {
  readonly id: string;
  /** What is done. */
  readonly what: string;
  /** What counts as a leak, or `undefined` for a special of the layer. */
  readonly attempt: ((app: App, world: World) => Promise<Leak>) | keyof Specials;
  /** Where the application finds its tenants instead of where they are. */
  readonly misled?: (world: World) => Promise<AppOptions & AsyncDisposable>;
}

const [ACME, GLOBEX] = TENANTS;

/** Begins work in acme's request that goes on after it, once `release` is called. */
async function lateInAcme(app: App, name: string) {
  const { promise: isReleased, resolve: release } = Promise.withResolvers<void>();
  let late: Promise<unknown> = Promise.resolve();
  await app.run(ACME, async () => {
    late = isReleased.then(() => app.add(name));
    late.catch(() => {});
  });
  return { release, late };
}

/** The database of another one by that environment variable, as a deployment may have it for a tool beside. */
async function withEnvironment(world: World): Promise<AppOptions & AsyncDisposable> {
  const database = world.options.databases[GLOBEX] ?? '';
  const url = `${world.options.url}/${database}`;
  const variables: Record<string, string> = {
    PGDATABASE: database,
    DATABASE_URL: url,
    POSTGRES_URL: url,
    TYPEORM_DATABASE: database,
    TYPEORM_URL: url,
    MIKRO_ORM_DB_NAME: database,
  };
  Object.assign(process.env, variables);
  return {
    ...world.options,
    async [Symbol.asyncDispose]() {
      for (const name of Object.keys(variables)) {
        Reflect.deleteProperty(process.env, name);
      }
    },
  };
}

const MISSING = 'a_database_that_was_never_made';
/** As long as PostgreSQL lets a name be; it cuts longer ones without an error. */
const LONGEST = 'g'.repeat(63);

async function renamed(world: World, acme: string): Promise<AppOptions & AsyncDisposable> {
  const { url, databases } = world.options;
  return {
    url,
    databases: { ...databases, [ACME]: acme },
    async [Symbol.asyncDispose]() {
      await world.queryDatabase('postgres', `drop database if exists ${acme.slice(0, 63)} with (force)`);
    },
  };
}

async function withLongName(world: World): Promise<AppOptions & AsyncDisposable> {
  await world.queryDatabase('postgres', `create database ${LONGEST}`);
  await world.queryDatabase(LONGEST, 'create table person (id serial primary key, name text not null)');
  return renamed(world, `${LONGEST}_acme`);
}

async function withPooler(world: World): Promise<AppOptions & AsyncDisposable> {
  const pooler = await RewritingPooler.start(world.options.url, () => world.options.databases[GLOBEX] ?? '');
  return {
    url: pooler.url.replace(/\/$/, ''),
    databases: world.options.databases,
    [Symbol.asyncDispose]: () => pooler[Symbol.asyncDispose](),
  };
}

/** Refusing is as good as doing it right. */
const unlessRefused = (work: Promise<unknown>): Promise<unknown> => work.catch(() => {});

export const scenarios: readonly Scenario[] = [
  {
    id: 'atOnce',
    what: '60 requests of three tenants at once read rows with equal keys',
    async attempt(app) {
      const order = Array.from({ length: 60 }, (_, n) => TENANTS[n % TENANTS.length] ?? ACME);
      const answers = await Promise.all(order.map((tenant) => app.run(tenant, () => app.names())));
      const wrong = answers.filter((names, n) => names.some((name) => !name.startsWith(`${order[n]} `)));
      return wrong.length === 0 ? undefined : `${wrong.length} of 60 read another tenant`;
    },
  },
  {
    id: 'nested',
    what: 'a request of A runs work in the context of B, and then goes on',
    async attempt(app, world) {
      await app.run(ACME, async () => {
        await app.run(GLOBEX, () => app.add('nested'));
        await app.add('afterwards');
      });
      return (await world.misplaced('nested', GLOBEX)) ?? (await world.misplaced('afterwards', ACME));
    },
  },
  {
    id: 'ownHandle',
    what: "a request of A writes by B's own handle",
    async attempt(app, world) {
      await app.run(ACME, () => app.addBy(GLOBEX, 'by its handle'));
      return world.misplaced('by its handle', GLOBEX);
    },
  },
  {
    id: 'transaction',
    what: "a transaction of B inside one of A's that is undone",
    async attempt(app, world) {
      const work = app.run(ACME, () =>
        app.transaction(ACME, async (addToAcme) => {
          await addToAcme('undone');
          await app.run(GLOBEX, () => app.transaction(GLOBEX, async (add) => void (await add('committed'))));
          throw new Error('undo acme');
        }),
      );
      await unlessRefused(work);
      return (await world.misplaced('committed', GLOBEX)) ?? (await world.misplaced('undone', 'nobody'));
    },
  },
  {
    id: 'late',
    what: "a promise of A's request goes on after its answer, while B's request runs",
    async attempt(app, world) {
      const { release, late } = await lateInAcme(app, 'late');
      await app.run(GLOBEX, async () => {
        release();
        await late;
      });
      return world.misplaced('late', ACME);
    },
  },
  {
    id: 'closed',
    what: "the same after A's handle was closed, as by a cache",
    async attempt(app, world) {
      await app.run(ACME, () => app.names());
      const { release, late } = await lateInAcme(app, 'too late');
      await app.closeTenant(ACME);
      release();
      await unlessRefused(late);
      await app.close();
      return (await world.hasSessions(ACME)) ? 'opens a connection that nobody counts or closes' : undefined;
    },
  },
  { id: 'foreignSave', what: "an entity of A is saved by B's manager", attempt: 'foreignSave' },
  { id: 'foreignRelation', what: "an entity of A becomes a relation of B's", attempt: 'foreignRelation' },
  { id: 'lazyRelation', what: "a relation of A's entity is loaded lazily in B's request", attempt: 'lazyRelation' },
  {
    id: 'sharedClasses',
    what: 'A reads and flushes after others were opened over its classes',
    attempt: 'sharedClasses',
  },
  { id: 'boundClass', what: "A reads by the entity's class itself (Active Record)", attempt: 'boundClass' },
  { id: 'corruptRow', what: 'a converter throws for a row of B; then A changes a relation', attempt: 'corruptRow' },
  { id: 'resultCache', what: 'A and B read the same query through one result cache', attempt: 'resultCache' },
  { id: 'subscribers', what: 'a subscriber class keeps what it saw in its fields', attempt: 'subscribers' },
  {
    id: 'environment',
    what: 'environment variables name the database of B',
    misled: withEnvironment,
    async attempt(app, world) {
      await unlessRefused(app.run(ACME, () => app.add('misled')));
      const holders = await world.holdersOf('misled');
      return holders === ACME || holders === 'nobody' ? undefined : `what acme wrote is with ${holders}`;
    },
  },
  {
    id: 'missingDatabase',
    what: "A's database does not exist",
    misled: (world) => renamed(world, MISSING),
    async attempt(app, world) {
      await unlessRefused(app.run(ACME, () => app.names()));
      const made = await world.queryDatabase('postgres', `select from pg_database where datname = '${MISSING}'`);
      return made.length === 0 ? undefined : 'a read has created it';
    },
  },
  {
    id: 'longName',
    what: "the name of A's database is longer than PostgreSQL allows, and begins as B's",
    misled: withLongName,
    async attempt(app, world) {
      await unlessRefused(app.run(ACME, () => app.add('cut')));
      const rows = await world.queryDatabase(LONGEST, 'select from person');
      return rows.length === 0 ? undefined : "what acme wrote is in the other's database";
    },
  },
  {
    id: 'pooler',
    what: "a pooler with a wrong entry leads A to B's database",
    misled: withPooler,
    async attempt(app, world) {
      await unlessRefused(app.run(ACME, () => app.add('misled')));
      return (await world.holdersOf('misled')) === GLOBEX ? 'what acme wrote is with globex' : undefined;
    },
  },
];
