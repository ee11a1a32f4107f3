import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { outcomeOf } from '../support/connections/BudgetWorld.ts';
import { FaultWorld } from '../support/faults/FaultWorld.ts';
import { assertClosed, until } from '../support/manager/TestTenants.ts';

const TIMEOUT_MS = 300;
/** How long after `timeoutMs` the manager is closed at the latest. */
const GOODBYE_MS = 100;
/** On a machine that does other things as well, one of so many attempts must show it. */
const ATTEMPTS = 4;

/** What is going on while the manager closes. Gives what looks at it afterwards. */
type Scene = (world: FaultWorld) => Promise<() => Promise<unknown>>;

const nothing = async (): Promise<void> => {};

/** A statement that takes a minute, and runs. */
const busy: Scene = async (world) => {
  const running = outcomeOf(world.manager.run('acme', (em) => em.execute('select pg_sleep(60)')));
  await isActive(world, 'pg_sleep(60)');
  return () => until(async () => running.error !== undefined, 'the caller is not told');
};

async function isActive(world: FaultWorld, text: string): Promise<void> {
  const active = `select pid from pg_stat_activity
    where datname = current_database() and state = 'active' and strpos(query, $1) > 0 and pid <> pg_backend_pid()`;
  await until(async () => (await world.query('acme', active, [text])).length > 0, `${text} does not run`);
}

const scenes: Readonly<Record<string, Scene>> = {
  'a statement is under way': busy,
  'a transaction waits for its user': async (world) => {
    const begun = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    const work = world.manager.run('acme', (em) =>
      em.transactional(async (tx) => {
        await tx.execute('insert into house (tenant) values (?)', ['acme']);
        begun.resolve();
        await end.promise;
      }),
    );
    const outcome = outcomeOf(work);
    await begun.promise;
    return async () => {
      end.resolve();
      await until(async () => outcome.error !== undefined, 'the transaction is committed');
    };
  },
  'callers wait for a connection': async (world) => {
    const blocks = await Promise.all([1, 2, 3, 4].map(() => busy(world)));
    const waiting = Array.from({ length: 20 }, () =>
      outcomeOf(world.manager.run('acme', (em) => em.execute('select 1'))),
    );
    await until(async () => world.requests.waiting === 20, 'nobody waits');
    return async () => {
      await until(async () => waiting.every(({ error }) => error !== undefined), 'a caller waits for ever');
      await Promise.all(blocks.map((ended) => ended()));
    };
  },
  'a lease and its connection were never given back': async (world) => {
    const lease = await world.manager.acquire('acme');
    await lease.run((em) => em.begin());
    return nothing;
  },
  'a connection is being opened at a server that does not answer': async (world) => {
    await world.manager.evict('globex');
    world.proxy.holdHandshakes();
    const { accepted } = world.proxy.state;
    const opening = outcomeOf(world.manager.run('globex', (em) => em.execute('select 1')));
    await world.proxy.when((state) => state.accepted > accepted);
    return () => until(async () => opening.error !== undefined, 'the caller is not told');
  },
  'a connection is idle at a server that does not answer': async (world) => {
    await world.request('acme');
    world.proxy.stall();
    return nothing;
  },
  'a statement is on its way to a server that does not answer': async (world) => {
    await world.request('acme');
    world.proxy.stall();
    const lost = outcomeOf(world.manager.run('acme', (em) => em.execute('select pg_sleep(60)')));
    await world.proxy.when(({ heldBytes }) => heldBytes > 0);
    return () => until(async () => lost.error !== undefined, 'the caller is not told');
  },
};

describe('closing the manager', () => {
  let world: FaultWorld;
  beforeAll(async () => {
    world = await FaultWorld.create();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  async function closeTookMs(scene: Scene): Promise<number> {
    await world.renewManager();
    await Promise.all(world.tenants.map(({ id }) => world.read(id)));
    const after = await scene(world);
    const startedAt = performance.now();
    await world.manager.close({ timeoutMs: TIMEOUT_MS });
    const tookMs = performance.now() - startedAt;
    assertClosed(world.manager);
    await after();
    // A silent server answers again, and hears now who is gone.
    world.proxy.resume();
    await until(async () => (await world.sessions()) === 0, 'the server has a session of ours');
    return tookMs;
  }

  it.each(Object.entries(scenes))(
    `takes no more than ${GOODBYE_MS} ms longer than \`timeoutMs\` where %s, and leaves no session`,
    async (_where, scene) => {
      let shortest = Number.POSITIVE_INFINITY;
      for (let attempt = 0; attempt < ATTEMPTS && shortest > TIMEOUT_MS + GOODBYE_MS; attempt += 1) {
        const tookMs = await closeTookMs(scene);
        expect(tookMs).toBeLessThan(TIMEOUT_MS + 1_500);
        shortest = Math.min(shortest, tookMs);
      }
      expect(shortest).toBeLessThanOrEqual(TIMEOUT_MS + GOODBYE_MS);
    },
  );
});

describe('a statement that the server cannot be told to cancel', () => {
  it('ends by its `statement_timeout`, and the session with it', async () => {
    await using world = await FaultWorld.create({ faulty: { session: { statementTimeoutMs: 1_500 } } });
    const ended = await busy(world);
    world.proxy.stall();
    const startedAt = performance.now();
    await world.manager.close({ timeoutMs: 100 });
    expect(performance.now() - startedAt).toBeLessThan(100 + 1_000);
    assertClosed(world.manager);
    await ended();
    world.proxy.resume();
    await until(async () => (await world.sessions()) === 0, 'the server has a session of ours');
  });
});
