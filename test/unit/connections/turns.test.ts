import { describe, expect, it } from '@jest/globals';
import { CircuitBreaker } from '../../../src/connections/CircuitBreaker.ts';
import { TenantConnectionError } from '../../../src/errors.ts';
import { BudgetWorld, type FakeConnection, outcomeOf } from '../../support/connections/BudgetWorld.ts';
import { settled } from '../../support/settled.ts';

const REFUSED = new TenantConnectionError('acme', 'refused', {
  cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
});

describe('a connection that came free', () => {
  it('stays with its tenant for as long as nobody else wants it, also where its callers have lost patience', async () => {
    const world = new BudgetWorld({
      maxConnections: 1,
      maxConnectionsPerTenant: 4,
      maxWaitingPerTenant: 50,
      maxWaiting: 50,
      acquireTimeoutMs: 10_000,
    });
    const acme = world.account('acme');
    const first = acme.acquire();
    await world.serve();
    const connection = await first;
    const waiting = Array.from({ length: 20 }, () => outcomeOf(acme.acquire()));
    for (const next of waiting) {
      world.clock.advance(50);
      acme.release(connection);
      await settled();
      expect(next.value).toBe(connection);
    }
    expect(world.begun).toBe(1);
  });

  it('is given up for another tenant as stolen', async () => {
    const world = new BudgetWorld({ maxConnections: 1, maxWaitingPerTenant: 50, maxWaiting: 50 });
    const [greedy, other] = [world.account('greedy'), world.account('other')];
    const first = greedy.acquire();
    await world.serve();
    const connection = await first;
    const waiting = Array.from({ length: 10 }, () => outcomeOf(greedy.acquire()));
    void other.acquire();
    for (const next of waiting.slice(0, 8)) {
      greedy.release(connection);
      await settled();
      expect(next.value).toBe(connection);
    }
    greedy.release(connection);
    expect(connection.closeCause).toBe('stolen');
  });

  it('stays with a tenant that weighs more for as many turns, without being opened anew', async () => {
    const world = new BudgetWorld({ maxConnections: 1, maxWaitingPerTenant: 50, maxWaiting: 100 });
    const [heavy, light] = [world.account('heavy', { weight: 3 }), world.account('light')];
    const first = heavy.acquire();
    await world.serve();
    const connection = await first;
    const waiting = Array.from({ length: 40 }, () => outcomeOf(heavy.acquire()));
    void light.acquire();
    let handed = 0;
    for (; connection.closeCause === undefined; handed += 1) {
      heavy.release(connection);
      await settled();
    }
    // Eight for each of three turns.
    expect(handed - 1).toBe(24);
    expect(waiting.filter(({ value }) => value !== undefined)).toHaveLength(handed - 1);
    expect(world.begun).toBe(1);
  });
});

describe('a turn', () => {
  it('goes on for nobody but the tenant whose turn it was', async () => {
    const world = new BudgetWorld({
      maxConnections: 2,
      maxConnectionsPerTenant: 1,
      maxWaitingPerTenant: 50,
      maxWaiting: 90,
    });
    const heavy = world.account('heavy', { weight: 3 });
    const first = heavy.acquire();
    await world.serve();
    void world.account('last').acquire();
    await world.serve();
    const connection = await first;
    const waiting = Array.from({ length: 40 }, () => outcomeOf(heavy.acquire()));
    void world.account('light').acquire();
    for (let n = 0; n < 40 && connection.closeCause === undefined; n += 1) {
      heavy.release(connection);
      await settled();
    }
    expect(waiting.filter(({ value }) => value !== undefined)).toHaveLength(8);
  });
});

describe('room', () => {
  it('is made for every tenant that wants some, not for the first alone', async () => {
    const world = new BudgetWorld();
    for (const id of ['a', 'b', 'c', 'd']) {
      const account = world.account(id);
      const acquired = account.acquire();
      await world.serve();
      account.release(await acquired);
    }
    void world.account('e').acquire();
    void world.account('f').acquire();
    void world.account('g').acquire();
    expect(world.closing).toHaveLength(3);
  });

  it('passes over a tenant whose server is being asked whether it is there again', async () => {
    const world = new BudgetWorld({ maxConnections: 2 });
    const breaker = new CircuitBreaker(world.clock, { down: () => {}, up: () => {}, changed: () => {} });
    const healthy = world.account('healthy');
    const acquired = [healthy.acquire(), healthy.acquire()];
    await world.serve();
    for (let n = 0; n < 3; n += 1) {
      breaker.fail(REFUSED);
    }
    world.clock.advance(100);
    const outcomes = ['first', 'second', 'third'].map((id) => outcomeOf(world.account(id, { breaker }).acquire()));
    const last = outcomeOf(world.account('elsewhere').acquire());
    for (const connection of await Promise.all(acquired)) {
      healthy.release(connection, true);
      connection.finishClosing();
      await settled();
    }
    // The first one asks; whoever is at another server goes on.
    expect(world.openings.map(({ tenantId }) => tenantId)).toEqual(['first', 'elsewhere']);
    await world.serve();
    expect(last.value).toBeDefined();
    expect(outcomes[0]?.value).toBeDefined();
  });
});

describe('callers that wait while their server is down', () => {
  const limits = { maxConnections: 2, maxWaitingPerTenant: 9, acquireTimeoutMs: 5_000 };

  /** acme has one connection and a caller that waits, and another tenant has the other one. */
  async function waitingForRoom() {
    const world = new BudgetWorld(limits);
    const breaker = new CircuitBreaker(world.clock, {
      down: () => {},
      up: () => {},
      changed: () => world.budget.reconsider(),
    });
    const [acme, globex] = [world.account('acme', { breaker }), world.account('globex', { breaker })];
    const acquired = [acme.acquire(), globex.acquire()];
    await world.serve();
    const [, theirs] = (await Promise.all(acquired)) as [FakeConnection, FakeConnection];
    const waiting = outcomeOf(acme.acquire());
    for (let n = 0; n < 3; n += 1) {
      breaker.fail(REFUSED);
    }
    globex.release(theirs, true);
    await settled();
    theirs.finishClosing();
    await settled();
    expect(world.openings).toHaveLength(0);
    expect(waiting).toEqual({});
    return { world, breaker, waiting };
  }

  it('have it tried again when its time has come', async () => {
    const { world, waiting } = await waitingForRoom();
    world.clock.advance(99);
    expect(world.openings).toHaveLength(0);
    world.clock.advance(1);
    expect(world.openings).toHaveLength(1);
    await world.serve();
    expect(waiting.value?.tenantId).toBe('acme');
  });

  it('get a connection as soon as it answers anybody', async () => {
    const { world, breaker, waiting } = await waitingForRoom();
    breaker.succeed();
    expect(world.openings).toHaveLength(1);
    await world.serve();
    expect(waiting.value?.tenantId).toBe('acme');
  });
});
