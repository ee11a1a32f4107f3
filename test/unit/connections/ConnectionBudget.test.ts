import { describe, expect, it } from '@jest/globals';
import { ConnectionBudgetExceededError } from '../../../src/errors.ts';
import {
  BudgetWorld,
  type FakeAccount,
  type FakeConnection,
  outcomeOf,
  useInTurn,
} from '../../support/connections/BudgetWorld.ts';
import { settled } from '../../support/settled.ts';

describe('a connection budget', () => {
  it('gives the idle connection of the tenant again instead of opening one', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    const first = acme.acquire();
    await world.serve();
    acme.release(await first);
    expect(await acme.acquire()).toBe(await first);
    expect(world.connections).toHaveLength(1);
    acme.release(await first);
    const ended = acme.end('evicted', 0, () => {});
    await world.serve();
    await ended;
    world.assertEmpty();
  });

  it('takes the connection that was used last, so that the others can go idle', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    const acquired = [acme.acquire(), acme.acquire()];
    await world.serve();
    const [first, second] = await Promise.all(acquired);
    acme.release(second as FakeConnection);
    acme.release(first as FakeConnection);
    expect(await acme.acquire()).toBe(first);
  });

  it('opens no more than the limit of a tenant', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    const outcomes = [1, 2, 3].map(() => outcomeOf(acme.acquire()));
    expect(world.sockets()).toBe(2);
    await world.serve();
    expect(outcomes.filter(({ value }) => value !== undefined)).toHaveLength(2);
    expect(world.budget.stats()).toMatchObject({ inUse: 2, waiting: 1 });
  });

  it('takes the room of the longest idle connection of another tenant, and opens only once that is closed', async () => {
    const world = new BudgetWorld();
    const idle = await fill(world, [world.account('a'), world.account('b')]);
    const wanted = outcomeOf(world.account('c').acquire());
    expect(idle[0]?.closeCause).toBe('stolen');
    expect(world.openings).toHaveLength(0);
    expect(world.sockets()).toBe(4);
    idle[0]?.finishClosing();
    await settled();
    expect(world.openings).toHaveLength(1);
    await world.serve();
    expect(wanted.value?.tenantId).toBe('c');
    expect(world.budget.stats()).toMatchObject({ stolen: 1, idle: 3, inUse: 1, closing: 0 });
  });

  it('gives up one idle connection for a tenant that has none, however many of its callers wait', async () => {
    const world = new BudgetWorld();
    await fill(world, [world.account('a'), world.account('b')]);
    const account = world.account('c');
    const outcomes = [account.acquire(), account.acquire(), account.acquire()].map((one) => outcomeOf(one));
    expect(world.closing).toHaveLength(1);
    await world.serve();
    expect(outcomes.filter(({ value }) => value !== undefined)).toHaveLength(1);
    expect(world.budget.stats()).toMatchObject({ stolen: 1, idle: 3, inUse: 1, waiting: 2 });
  });

  it('gives up another one for callers who have waited for twice as long as opening one takes', async () => {
    const world = new BudgetWorld();
    await fill(world, [world.account('a'), world.account('b')]);
    const account = world.account('c');
    const outcomes = [account.acquire(), account.acquire(), account.acquire()].map((one) => outcomeOf(one));
    await world.serve();
    world.clock.advance(19);
    expect(world.closing).toHaveLength(0);
    world.clock.advance(1);
    expect(world.closing).toHaveLength(1);
    await world.serve();
    expect(outcomes.filter(({ value }) => value !== undefined)).toHaveLength(2);
    world.clock.advance(100);
    expect(world.closing).toHaveLength(0);
  });

  it('gives up a connection that was used once before one that its tenant came back to', async () => {
    const world = new BudgetWorld();
    const [regular, passing] = [world.account('regular'), world.account('passing')];
    await fill(world, [regular, passing]);
    world.clock.advance(10);
    for (const connection of [await regular.acquire(), await regular.acquire()]) {
      regular.release(connection);
    }
    world.clock.advance(10);
    void world
      .account('c')
      .acquire()
      .catch(() => {});
    expect(world.closing.map(({ tenantId }) => tenantId)).toEqual(['passing']);
  });

  it('gives up one that its tenant came back to long ago before one that was used just now', async () => {
    const world = new BudgetWorld();
    const [regular, passing] = [world.account('regular'), world.account('passing')];
    await fill(world, [regular]);
    for (const connection of [await regular.acquire(), await regular.acquire()]) {
      regular.release(connection);
    }
    world.clock.advance(1_000);
    await fill(world, [passing]);
    world.clock.advance(10);
    void world
      .account('c')
      .acquire()
      .catch(() => {});
    expect(world.closing.map(({ tenantId }) => tenantId)).toEqual(['regular']);
  });

  it('opens no more connections at a time than it may, and goes on when one of them takes long', async () => {
    const world = new BudgetWorld({ maxOpeningConnections: 2 });
    for (const id of ['a', 'b', 'c', 'd']) {
      void world
        .account(id)
        .acquire()
        .catch(() => {});
    }
    expect(world.openings.map(({ tenantId }) => tenantId)).toEqual(['a', 'b']);
    world.clock.advance(500);
    expect(world.openings.map(({ tenantId }) => tenantId)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('serves the callers of one tenant in the order in which they came', async () => {
    const world = new BudgetWorld({ maxConnectionsPerTenant: 1 });
    const acme = world.account('acme');
    const served: number[] = [];
    const all = [0, 1, 2, 3].map(async (n) => {
      const connection = await acme.acquire();
      served.push(n);
      acme.release(connection);
    });
    await world.serve();
    await Promise.all(all);
    expect(served).toEqual([0, 1, 2, 3]);
  });

  it('lets a newcomer not overtake those who wait', async () => {
    const world = new BudgetWorld({ maxConnectionsPerTenant: 1 });
    const acme = world.account('acme');
    const first = acme.acquire();
    await world.serve();
    const second = outcomeOf(acme.acquire());
    acme.release(await first);
    const third = outcomeOf(acme.acquire());
    await settled();
    expect(second.value).toBe(await first);
    expect(third.value).toBeUndefined();
  });

  it('serves waiting tenants in turns, whatever one of them asks for', async () => {
    const world = new BudgetWorld({ maxConnections: 1, maxConnectionsPerTenant: 1 });
    const [a, b, c] = [world.account('a'), world.account('b'), world.account('c')];
    const served = await useInTurn(world, [a, a, b, b, c, c]);
    // The same tenant's next waiter takes a warm connection, but the two others are not left out.
    expect(served).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  });

  it('gives a connection to another tenant after eight that its own waiters took', async () => {
    const limits = { maxConnections: 1, maxConnectionsPerTenant: 1, maxWaitingPerTenant: 50, maxWaiting: 100 };
    const world = new BudgetWorld(limits);
    const [greedy, other] = [world.account('greedy'), world.account('other')];
    const served = await useInTurn(world, [...Array.from({ length: 30 }, () => greedy), other]);
    expect(served.indexOf('other')).toBe(8);
  });

  it('gives up no second connection for a tenant that room is being made for', async () => {
    const limits = { maxConnections: 3, maxConnectionsPerTenant: 3, maxWaitingPerTenant: 50, maxWaiting: 100 };
    const world = new BudgetWorld(limits);
    const [greedy, other] = [world.account('greedy'), world.account('other')];
    const held = [greedy.acquire(), greedy.acquire(), greedy.acquire()];
    await world.serve();
    const queue = await Promise.all(held);
    const wanted = outcomeOf(other.acquire());
    const giveBackOne = async (): Promise<void> => {
      const next = outcomeOf(greedy.acquire());
      const connection = queue.shift();
      if (connection !== undefined) {
        greedy.release(connection);
      }
      await settled();
      queue.push(...(next.value === undefined ? [] : [next.value]));
    };
    for (let n = 0; n < 20 && world.closing.length === 0; n += 1) {
      await giveBackOne();
    }
    expect(queue).toHaveLength(2);
    // While that one closes, what comes free stays with its own tenant.
    await giveBackOne();
    expect(world.closing).toHaveLength(1);
    expect(world.budget.stats()).toMatchObject({ inUse: 2, waiting: 2 });
    await world.serve();
    expect(wanted.value?.tenantId).toBe('other');
  });

  it('refuses a caller after the deadline, and says how many connections are in use', async () => {
    const world = new BudgetWorld({ maxConnectionsPerTenant: 1 });
    const acme = world.account('acme');
    const first = acme.acquire();
    await world.serve();
    const late = outcomeOf(acme.acquire());
    world.clock.advance(999);
    await settled();
    expect(late.error).toBeUndefined();
    world.clock.advance(1);
    await settled();
    expect(late.error).toBeInstanceOf(ConnectionBudgetExceededError);
    expect(late.error).toMatchObject({
      tenantId: 'acme',
      status: 503,
      retryAfterSeconds: 1,
      message: expect.stringContaining(
        'no connection became free within 1000 ms (1 of 4 connections in use, 1 waiting)',
      ),
    });
    expect(world.budget.stats()).toMatchObject({ refused: 1, waiting: 0 });
    acme.release(await first);
  });

  it('says that the server is slow where the deadline passes while a connection opens, and keeps that connection', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    const late = outcomeOf(acme.acquire());
    world.clock.advance(1_000);
    await settled();
    expect((late.error as Error).message).toContain('the server opened no connection within 1000 ms');
    await world.serve();
    expect(world.budget.stats()).toMatchObject({ opening: 0, idle: 1, inUse: 0 });
  });

  it('lets a caller leave the queue by its signal, and serves the next one', async () => {
    const world = new BudgetWorld({ maxConnectionsPerTenant: 1 });
    const acme = world.account('acme');
    const first = acme.acquire();
    await world.serve();
    const controller = new AbortController();
    const leaving = outcomeOf(acme.acquire(controller));
    const next = outcomeOf(acme.acquire());
    const reason = new Error('the client is gone');
    controller.abort(reason);
    await settled();
    expect(leaving.error).toBe(reason);
    acme.release(await first);
    await settled();
    expect(next.value).toBe(await first);
    expect(world.budget.stats()).toMatchObject({ waiting: 0, refused: 0 });
  });

  it('opens nothing for a signal that was aborted before', async () => {
    const world = new BudgetWorld();
    const reason = new Error('too late');
    await expect(world.account('acme').acquire({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    world.assertEmpty();
  });

  it('refuses at once what exceeds the queue of a tenant', async () => {
    const world = new BudgetWorld({ maxConnectionsPerTenant: 1, maxWaitingPerTenant: 2 });
    const acme = world.account('acme');
    const outcomes = [1, 2, 3, 4, 5].map(() => outcomeOf(acme.acquire()));
    await world.serve();
    expect(outcomes.filter(({ error }) => error instanceof ConnectionBudgetExceededError)).toHaveLength(2);
    expect(outcomes[4]?.error).toBeInstanceOf(ConnectionBudgetExceededError);
    expect(world.budget.stats()).toMatchObject({ inUse: 1, waiting: 2, refused: 2 });
  });

  it('refuses at once what exceeds the queue of all tenants, and counts no caller whose connection is being opened', async () => {
    const world = new BudgetWorld({ maxConnections: 2, maxConnectionsPerTenant: 1, maxWaiting: 1 });
    const outcomes = ['a', 'b', 'c', 'd'].map((id) => outcomeOf(world.account(id).acquire()));
    await settled();
    expect(outcomes.map(({ error }) => error instanceof ConnectionBudgetExceededError)).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  it('counts every caller for whom nothing is being opened, whoever else something is opened for', async () => {
    const world = new BudgetWorld({
      maxConnections: 4,
      maxConnectionsPerTenant: 1,
      maxWaitingPerTenant: 9,
      maxWaiting: 2,
    });
    const controller = new AbortController();
    const left = outcomeOf(world.account('a').acquire(controller));
    controller.abort(new Error('gone'));
    await settled();
    expect(left.error).toBeDefined();
    expect(world.openings).toHaveLength(1);
    const account = world.account('b');
    const outcomes = [1, 2, 3, 4].map(() => outcomeOf(account.acquire()));
    await settled();
    expect(outcomes.map(({ error }) => error instanceof ConnectionBudgetExceededError)).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  it('takes one caller more than the queue holds when a connection is being opened for it', async () => {
    const world = new BudgetWorld({ maxWaiting: 0, maxWaitingPerTenant: 0 });
    const acquired = world.account('acme').acquire();
    await world.serve();
    expect((await acquired).tenantId).toBe('acme');
  });

  it('closes idle connections when their time is over, and leaves no timer then', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    const acquired = [acme.acquire(), acme.acquire()];
    await world.serve();
    const [first, second] = await Promise.all(acquired);
    acme.release(first as FakeConnection);
    world.clock.advance(4_000);
    acme.release(second as FakeConnection);
    world.clock.advance(6_000);
    expect(first?.closeCause).toBe('idle');
    expect(second?.closeCause).toBeUndefined();
    world.clock.advance(4_000);
    expect(second?.closeCause).toBe('idle');
    await world.serve();
    world.assertEmpty();
  });

  it('does not close a connection whose idle time a use interrupted', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    const acquired = acme.acquire();
    await world.serve();
    acme.release(await acquired);
    world.clock.advance(9_000);
    acme.release(await acme.acquire());
    world.clock.advance(9_000);
    expect((await acquired).closeCause).toBeUndefined();
  });
});

/** Two idle connections for each of the accounts, the first account's first. */
async function fill(world: BudgetWorld, accounts: readonly FakeAccount[]) {
  const idle = [];
  for (const account of accounts) {
    const acquired = [account.acquire(), account.acquire()];
    await world.serve();
    for (const connection of await Promise.all(acquired)) {
      account.release(connection);
      idle.push(connection);
      world.clock.advance(1);
    }
  }
  return idle;
}
