import { describe, expect, it } from '@jest/globals';
import {
  BudgetWorld,
  type FakeAccount,
  type FakeConnection,
  outcomeOf,
  useInTurn,
} from '../../support/connections/BudgetWorld.ts';
import { settled } from '../../support/settled.ts';

const ONE = { maxConnections: 1, maxConnectionsPerTenant: 1, maxWaitingPerTenant: 500, maxWaiting: 1_000 };

describe('tenants of different weight', () => {
  it('share one connection by their weights', async () => {
    const world = new BudgetWorld(ONE);
    const [heavy, light] = [world.account('heavy', { weight: 2 }), world.account('light')];
    const callers = Array.from({ length: 200 }, () => [heavy, light]).flat();
    const served = (await useInTurn(world, callers)).slice(0, 240);
    expect(served.filter((id) => id === 'heavy')).toHaveLength(160);
  });

  it('take as many turns in a row as they weigh', async () => {
    const world = new BudgetWorld({
      maxConnections: 1,
      maxConnectionsPerTenant: 4,
      maxWaitingPerTenant: 50,
      maxWaiting: 50,
    });
    const blocker = world.account('blocker');
    const held = blocker.acquire();
    await world.serve();
    const opened: string[] = [];
    const accounts = [world.account('a', { weight: 3 }), world.account('b'), world.account('c', { weight: 2 })];
    for (let n = 0; n < 6; n += 1) {
      for (const account of accounts) {
        void account.acquire().then((connection) => {
          opened.push(account.tenantId);
          account.release(connection, true);
        });
      }
    }
    blocker.release(await held, true);
    await world.serveUntil(() => opened.length >= 12);
    expect(opened.slice(0, 12)).toEqual(['a', 'a', 'a', 'b', 'c', 'c', 'a', 'a', 'a', 'b', 'c', 'c']);
  });
});

describe('the accounts of one tenant', () => {
  it('have one ceiling together', async () => {
    const world = new BudgetWorld();
    const [primary, replica] = [world.account('acme'), world.account('acme')];
    const outcomes = [primary, replica, primary, replica].map((account) => outcomeOf(account.acquire()));
    await world.serve();
    expect(world.sockets('acme')).toBe(2);
    expect(outcomes.filter(({ value }) => value !== undefined)).toHaveLength(2);
  });

  it('never hand out a connection of the other one, but give up an idle one for it', async () => {
    const world = new BudgetWorld();
    const [primary, replica] = [world.account('acme'), world.account('acme')];
    const acquired = [primary.acquire(), primary.acquire()];
    await world.serve();
    const idle = await Promise.all(acquired);
    for (const connection of idle) {
      primary.release(connection);
    }
    const wanted = outcomeOf(replica.acquire());
    expect(idle.map(({ closeCause }) => closeCause)).toEqual(['stolen', undefined]);
    expect(world.openings).toHaveLength(0);
    await world.serve();
    expect(wanted.value).toBeDefined();
    expect(idle).not.toContain(wanted.value);
    expect(world.sockets('acme')).toBe(2);
  });

  it('do not starve each other', async () => {
    const world = new BudgetWorld({ ...ONE, maxConnections: 4 });
    const [primary, replica] = [world.account('acme'), world.account('acme')];
    const order: string[] = [];
    const use = async (account: FakeAccount, name: string): Promise<void> => {
      const connection = await account.acquire();
      order.push(name);
      await settled();
      account.release(connection);
    };
    const uses = [use(primary, 'primary'), use(replica, 'replica')];
    world.clock.advance(1);
    uses.push(...Array.from({ length: 30 }, () => use(primary, 'primary')));
    await world.serveUntil(() => order.length === 32);
    await Promise.all(uses);
    expect(order.indexOf('replica')).toBeLessThan(10);
  });

  it('of an ORM that closes count beside those of the next one', async () => {
    const world = new BudgetWorld();
    const old = world.account('acme');
    const acquired = [old.acquire(), old.acquire()];
    await world.serve();
    const held = await Promise.all(acquired);
    const ended = old.end('moved', 1_000, () => {});
    const next = outcomeOf(world.account('acme').acquire());
    await world.serve();
    expect(next).toEqual({});
    old.release(held[0] as FakeConnection);
    await world.serve();
    expect(next.value).toBeDefined();
    expect(world.sockets('acme')).toBe(2);
    old.release(held[1] as FakeConnection);
    await world.serve();
    await ended;
  });
});

describe('the figures of a budget', () => {
  it('say how long the caller waits that waits longest, and what each tenant has', async () => {
    const world = new BudgetWorld({ maxConnectionsPerTenant: 1 });
    const [acme, globex] = [world.account('acme'), world.account('globex')];
    const held = [acme.acquire(), globex.acquire()];
    await world.serve();
    const [, second] = await Promise.all(held);
    globex.release(second as FakeConnection);
    void outcomeOf(acme.acquire());
    world.clock.advance(300);
    void outcomeOf(acme.acquire());
    world.clock.advance(200);
    expect(world.budget.stats()).toMatchObject({ waiting: 2, longestWaitMs: 500, open: 2, inUse: 1, idle: 1 });
    expect(world.budget.tenantStats()).toEqual({
      acme: expect.objectContaining({ open: 1, inUse: 1, idle: 0, waiting: 2, longestWaitMs: 500, refused: 0 }),
      globex: expect.objectContaining({ open: 1, inUse: 0, idle: 1, waiting: 0, longestWaitMs: 0 }),
    });
    world.clock.advance(500);
    expect(world.budget.tenantStats()['acme']).toMatchObject({ waiting: 1, refused: 1, longestWaitMs: 700 });
  });

  it('forget a tenant whose accounts have ended', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    const acquired = acme.acquire();
    await world.serve();
    acme.release(await acquired);
    const ended = acme.end('evicted', 0, () => {});
    expect(Object.keys(world.budget.tenantStats())).toEqual(['acme']);
    await world.serve();
    await ended;
    expect(world.budget.tenantStats()).toEqual({});
    world.assertEmpty();
  });
});
