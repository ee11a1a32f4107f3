import { describe, expect, it } from '@jest/globals';
import { BudgetWorld, type FakeConnection, outcomeOf } from '../../support/connections/BudgetWorld.ts';
import { settled } from '../../support/settled.ts';

describe('the figures of a budget', () => {
  it('tell what is opening, idle, in use and closing apart', async () => {
    const world = new BudgetWorld({ maxConnectionsPerTenant: 4 });
    const acme = world.account('acme');
    const acquired = [acme.acquire(), acme.acquire(), acme.acquire()];
    await world.serve();
    const [first, second] = (await Promise.all(acquired)) as [FakeConnection, FakeConnection];
    void acme.acquire();
    acme.release(first, true);
    await settled();
    const expected = { opening: 1, open: 2, inUse: 2, idle: 0, closing: 1, waiting: 1, stolen: 0 };
    expect(world.budget.stats()).toMatchObject({ ...expected, limit: 4 });
    expect(world.budget.tenantStats()['acme']).toMatchObject(expected);
    await world.serve();
    acme.release(second);
    expect(world.budget.stats()).toMatchObject({ opening: 0, open: 3, inUse: 2, idle: 1, closing: 0 });
  });

  it('count a wait from when it began', async () => {
    const world = new BudgetWorld({ maxConnectionsPerTenant: 1 });
    const acme = world.account('acme');
    void acme.acquire();
    await world.serve();
    world.clock.advance(100);
    expect(world.budget.stats()).toMatchObject({ longestWaitMs: 0 });
    outcomeOf(acme.acquire());
    world.clock.advance(250);
    expect(world.budget.stats()).toMatchObject({ longestWaitMs: 250 });
    expect(world.budget.tenantStats()['acme']).toMatchObject({ longestWaitMs: 250 });
  });

  it('count what was given up for others, and nothing that was closed otherwise', async () => {
    const world = new BudgetWorld({ maxConnections: 1 });
    const [acme, globex] = [world.account('acme'), world.account('globex')];
    const acquired = acme.acquire();
    await world.serve();
    acme.release(await acquired);
    world.clock.advance(10_000);
    expect((await acquired).closeCause).toBe('idle');
    await world.serve();
    expect(world.budget.stats()).toMatchObject({ stolen: 0 });
    const again = acme.acquire();
    await world.serve();
    acme.release(await again);
    void globex.acquire();
    await world.serve();
    expect(world.budget.stats()).toMatchObject({ stolen: 1 });
    expect(world.budget.tenantStats()).toMatchObject({ acme: { stolen: 1 }, globex: { stolen: 0 } });
  });

  it('count connections that came back tainted, by tenant and in all', () => {
    const world = new BudgetWorld();
    const [acme] = [world.account('acme'), world.account('globex')];
    world.budget.countTainted(acme as ReturnType<BudgetWorld['account']>);
    expect(world.budget.stats().tainted).toBe(1);
    expect(world.budget.tenantStats()).toMatchObject({ acme: { tainted: 1 }, globex: { tainted: 0 } });
  });

  it('say why a caller was refused', async () => {
    const world = new BudgetWorld({ maxConnectionsPerTenant: 1, maxWaitingPerTenant: 0 });
    const acme = world.account('acme');
    void acme.acquire();
    await world.serve();
    await expect(acme.acquire()).rejects.toThrow(/too many callers wait for a connection/);
  });

  it('know how long opening a connection takes, by those that were opened', async () => {
    const world = new BudgetWorld();
    expect(world.budget.patienceMs).toBe(20);
    const failing = outcomeOf(world.account('acme').acquire());
    world.clock.advance(110);
    world.openings[0]?.fail(new Error('refused'));
    await settled();
    expect(failing.error).toBeDefined();
    expect(world.budget.patienceMs).toBe(20);
    void world.account('globex').acquire();
    world.clock.advance(110);
    await world.serve();
    expect(world.budget.patienceMs).toBeCloseTo(60);
  });
});
