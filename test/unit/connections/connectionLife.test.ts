import { describe, expect, it } from '@jest/globals';
import { ConnectionBudgetExceededError, TenantClosedError, TenantConnectionError } from '../../../src/errors.ts';
import { BudgetWorld, type FakeConnection, outcomeOf } from '../../support/connections/BudgetWorld.ts';
import { settled } from '../../support/settled.ts';

const FULL = new TenantConnectionError('acme', 'sorry, too many clients already', {
  cause: Object.assign(new Error('sorry, too many clients already'), { code: '53300' }),
});

async function opened(world: BudgetWorld, count: number) {
  const account = world.account('acme');
  const acquired = Array.from({ length: count }, () => account.acquire());
  await world.serve();
  return { account, connections: await Promise.all(acquired) };
}

describe('a connection that has lived long enough', () => {
  const LIVED = { maxLifetimeMs: 1_000, idleTimeoutMs: 50_000 };

  it('is closed when it comes back, never under its user', async () => {
    const world = new BudgetWorld(LIVED, () => 0.5);
    const { account, connections } = await opened(world, 1);
    world.clock.advance(5_000);
    expect(connections[0]?.closeCause).toBeUndefined();
    account.release(connections[0] as FakeConnection);
    expect(connections[0]?.closeCause).toBe('expired');
  });

  it('is closed while it idles, and its waiter of that moment gets a new one', async () => {
    const world = new BudgetWorld({ ...LIVED, maxConnectionsPerTenant: 1 }, () => 0.5);
    const { account, connections } = await opened(world, 1);
    account.release(connections[0] as FakeConnection);
    world.clock.advance(999);
    expect(connections[0]?.closeCause).toBeUndefined();
    world.clock.advance(1);
    expect(connections[0]?.closeCause).toBe('expired');
    const next = outcomeOf(account.acquire());
    await world.serve();
    expect(next.value).toBeDefined();
    expect(next.value).not.toBe(connections[0]);
  });

  it.each([
    [0, 900],
    [0.5, 1_000],
    [1, 1_100],
  ])('lived a tenth more or less: with a chance of %d, %d ms', async (chance, lifetimeMs) => {
    const world = new BudgetWorld(LIVED, () => chance);
    const { account, connections } = await opened(world, 1);
    account.release(connections[0] as FakeConnection);
    world.clock.advance(lifetimeMs - 1);
    expect(connections[0]?.closeCause).toBeUndefined();
    world.clock.advance(1);
    expect(connections[0]?.closeCause).toBe('expired');
    await world.serve();
    world.assertEmpty();
  });
});

describe('a connection that was idle for long', () => {
  const CHECKED = { checkAfterIdleMs: 500 };

  it('is tried before it is handed out, and not when it was used lately', async () => {
    const world = new BudgetWorld(CHECKED);
    const { account, connections } = await opened(world, 1);
    const [connection] = connections as [FakeConnection];
    account.release(connection);
    world.clock.advance(499);
    account.release(await account.acquire());
    expect(connection.checks).toBe(0);
    world.clock.advance(500);
    expect(await account.acquire()).toBe(connection);
    expect(connection.checks).toBe(1);
  });

  it('is replaced without a word when it is dead, and so are those that idled as long', async () => {
    const world = new BudgetWorld(CHECKED);
    const { account, connections } = await opened(world, 2);
    for (const connection of connections) {
      connection.alive = false;
      account.release(connection);
    }
    world.clock.advance(500);
    const next = outcomeOf(account.acquire());
    await world.serve();
    expect(next.value).toBeDefined();
    expect(connections).not.toContain(next.value);
    expect(connections.map(({ closeCause, checks }) => [closeCause, checks])).toEqual([
      ['broken', 0],
      ['broken', 1],
    ]);
  });

  it('costs its caller no more than the deadline', async () => {
    const world = new BudgetWorld({ ...CHECKED, maxConnectionsPerTenant: 1 });
    const { account, connections } = await opened(world, 1);
    const [connection] = connections as [FakeConnection];
    const check = Promise.withResolvers<boolean>();
    connection.alive = check.promise;
    account.release(connection);
    world.clock.advance(500);
    const late = outcomeOf(account.acquire());
    world.clock.advance(700);
    check.resolve(false);
    await settled();
    world.clock.advance(299);
    await settled();
    expect(late).toEqual({});
    world.clock.advance(1);
    await settled();
    expect(late.error).toBeInstanceOf(ConnectionBudgetExceededError);
  });

  it('is not handed out when its account ends meanwhile', async () => {
    const world = new BudgetWorld(CHECKED);
    const { account, connections } = await opened(world, 1);
    const [connection] = connections as [FakeConnection];
    const check = Promise.withResolvers<boolean>();
    connection.alive = check.promise;
    account.release(connection);
    world.clock.advance(500);
    const refused = outcomeOf(account.acquire());
    const ended = account.end('evicted', 1_000, () => {});
    check.resolve(true);
    await world.serve();
    await ended;
    expect(refused.error).toBeInstanceOf(TenantClosedError);
    expect(connection.closeCause).toBe('ended');
    world.assertEmpty();
  });

  it('takes none with it that came back while it was tried', async () => {
    const world = new BudgetWorld(CHECKED);
    const { account, connections } = await opened(world, 2);
    const [connection, other] = connections as [FakeConnection, FakeConnection];
    const check = Promise.withResolvers<boolean>();
    connection.alive = check.promise;
    account.release(connection);
    world.clock.advance(500);
    void account.acquire();
    account.release(other);
    check.resolve(false);
    await settled();
    expect([connection, other].map(({ closeCause }) => closeCause)).toEqual(['broken', undefined]);
  });
});

describe('a server that takes no more clients', () => {
  it('lets a caller wait where the tenant has connections, and is asked again later', async () => {
    const world = new BudgetWorld();
    const { account, connections } = await opened(world, 1);
    const waiting = outcomeOf(account.acquire());
    world.openings[0]?.fail(FULL);
    await settled();
    expect(waiting).toEqual({});
    world.clock.advance(100);
    expect(world.openings).toHaveLength(1);
    world.openings[0]?.fail(FULL);
    await settled();
    account.release(connections[0] as FakeConnection);
    await settled();
    expect(waiting.value).toBe(connections[0]);
  });

  it('gets room by an idle connection of another tenant', async () => {
    const world = new BudgetWorld();
    const { account, connections } = await opened(world, 1);
    account.release(connections[0] as FakeConnection);
    const globex = world.account('globex');
    const waiting = outcomeOf(globex.acquire());
    world.openings[0]?.fail(FULL);
    await settled();
    expect(connections[0]?.closeCause).toBe('stolen');
    connections[0]?.finishClosing();
    await settled();
    const newcomer = outcomeOf(globex.acquire());
    expect(waiting).toEqual({});
    world.clock.advance(100);
    await world.serve();
    expect(waiting.value).toBeDefined();
    expect(newcomer.value).toBeDefined();
  });

  it('is named where nobody of this process has a connection', async () => {
    const world = new BudgetWorld();
    const refused = outcomeOf(world.account('acme').acquire());
    world.openings[0]?.fail(FULL);
    await settled();
    expect(refused.error).toBe(FULL);
    world.assertEmpty();
  });

  it('is named when the deadline passes', async () => {
    const world = new BudgetWorld();
    const { account } = await opened(world, 1);
    const late = outcomeOf(account.acquire());
    world.openings[0]?.fail(FULL);
    await settled();
    for (let n = 0; n < 10; n += 1) {
      world.clock.advance(100);
      world.openings[0]?.fail(FULL);
      await settled();
    }
    expect((late.error as Error).message).toContain('and the server takes no more clients');
  });
});

describe('an account that ends', () => {
  it('cuts connections that do not say goodbye, 50 ms after its grace', async () => {
    const world = new BudgetWorld();
    const { account, connections } = await opened(world, 2);
    account.release(connections[0] as FakeConnection);
    const ended = outcomeOf(account.end('evicted', 100, () => {}));
    world.clock.advance(149);
    expect(connections.map(({ isCut }) => isCut)).toEqual([false, false]);
    world.clock.advance(1);
    expect(connections.map(({ isCut }) => isCut)).toEqual([true, true]);
    await settled();
    expect(ended).toHaveProperty('value');
    world.assertEmpty();
  });

  it('ends when the last of its connections is closed, idle ones among them', async () => {
    const world = new BudgetWorld();
    const { account, connections } = await opened(world, 2);
    for (const connection of connections) {
      account.release(connection);
    }
    const ended = outcomeOf(account.end('evicted', 100, () => {}));
    expect(connections.map(({ closeCause }) => closeCause)).toEqual(['ended', 'ended']);
    connections[0]?.finishClosing();
    await settled();
    expect(ended).toStrictEqual({});
    connections[1]?.finishClosing();
    await settled();
    expect(ended).toHaveProperty('value');
  });

  it('ends when what it was opening has failed', async () => {
    const world = new BudgetWorld();
    const account = world.account('acme');
    const refused = outcomeOf(account.acquire());
    const ended = outcomeOf(account.end('evicted', 100, () => {}));
    world.openings[0]?.fail(world.openings[0]?.signal.reason);
    await settled();
    expect(refused.error).toBeInstanceOf(TenantClosedError);
    expect(ended).toHaveProperty('value');
    world.assertEmpty();
  });
});

describe('a caller’s signal', () => {
  it('is made only when the caller has to wait', async () => {
    const world = new BudgetWorld({ maxConnectionsPerTenant: 1 });
    const { account, connections } = await opened(world, 1);
    account.release(connections[0] as FakeConnection);
    const controller = new AbortController();
    let made = 0;
    const caller = {
      get signal() {
        made += 1;
        return controller.signal;
      },
    };
    await account.acquire(caller);
    expect(made).toBe(0);
    const waiting = outcomeOf(account.acquire(caller));
    expect(made).toBe(1);
    controller.abort(new Error('gone'));
    await settled();
    expect(waiting.error).toMatchObject({ message: 'gone' });
  });
});
