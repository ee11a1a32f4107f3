import { describe, expect, it } from '@jest/globals';
import {
  BudgetWorld,
  type FakeAccount,
  type FakeConnection,
  outcomeOf,
} from '../../support/connections/BudgetWorld.ts';
import { settled } from '../../support/settled.ts';

/** Connections of `account`, in use. */
async function held(world: BudgetWorld, account: FakeAccount, count: number): Promise<FakeConnection[]> {
  const acquired = Array.from({ length: count }, () => account.acquire());
  await world.serve();
  return Promise.all(acquired);
}

/** A tenant's primary and its replica, where another tenant has every connection. */
async function withoutRoom(maxConnections: number) {
  const world = new BudgetWorld({ maxConnections, maxConnectionsPerTenant: maxConnections });
  const other = world.account('globex');
  const theirs = await held(world, other, maxConnections);
  const order: string[] = [];
  const wait = (account: FakeAccount, name: string): void => {
    void account.acquire().then(() => order.push(name));
  };
  const giveRoom = (): void => other.release(theirs.shift() as FakeConnection, true);
  const [primary, replica] = [world.account('acme'), world.account('acme')];
  return { world, primary, replica, order, wait, giveRoom };
}

describe('the accounts of one tenant', () => {
  it('get room in the order in which their callers came', async () => {
    const { world, primary, replica, order, wait, giveRoom } = await withoutRoom(2);
    wait(replica, 'replica');
    world.clock.advance(1);
    wait(primary, 'primary');
    giveRoom();
    await world.serve();
    expect(order).toEqual(['replica']);
    giveRoom();
    await world.serve();
    expect(order).toEqual(['replica', 'primary']);
  });

  it('are opened for at once where room comes for both', async () => {
    const { world, primary, replica, wait, giveRoom } = await withoutRoom(2);
    wait(replica, 'replica');
    wait(primary, 'primary');
    giveRoom();
    giveRoom();
    for (const connection of world.closing) {
      connection.finishClosing();
    }
    await settled();
    expect(world.openings).toHaveLength(2);
  });

  it('get room first where the other one has a connection, whose caller is patient', async () => {
    const { world, primary, replica, order, wait, giveRoom } = await withoutRoom(3);
    giveRoom();
    await held(world, primary, 1);
    world.clock.advance(1_000);
    wait(primary, 'primary');
    world.clock.advance(1);
    wait(replica, 'replica');
    giveRoom();
    await world.serve();
    expect(order).toEqual(['replica']);
  });

  it('are passed over where something is opened for their callers already', async () => {
    const world = new BudgetWorld({ maxConnectionsPerTenant: 3 });
    const [primary, replica] = [world.account('acme'), world.account('acme')];
    void primary.acquire();
    world.clock.advance(1);
    const wanted = outcomeOf(replica.acquire());
    expect(world.openings).toHaveLength(2);
    world.openings[1]?.succeed();
    await settled();
    expect(wanted.value).toBeDefined();
  });

  it('take turns with other tenants, and not one after the other', async () => {
    const { world, primary, replica, order, wait, giveRoom } = await withoutRoom(3);
    const third = world.account('initech');
    wait(primary, 'primary');
    wait(replica, 'replica');
    wait(third, 'initech');
    for (let n = 0; n < 3; n += 1) {
      giveRoom();
      await world.serve();
    }
    expect(order).toEqual(['primary', 'initech', 'replica']);
  });

  it('give up no second idle connection while the first closes', async () => {
    const world = new BudgetWorld();
    const [primary, replica] = [world.account('acme'), world.account('acme')];
    for (const connection of await held(world, primary, 2)) {
      primary.release(connection);
    }
    void replica.acquire();
    world.budget.dispatch(replica);
    expect(world.closing).toHaveLength(1);
  });

  it('keep their connections where nobody waits at the other one, however many of their own do', async () => {
    const world = new BudgetWorld({ maxConnectionsPerTenant: 1, maxWaitingPerTenant: 50, maxWaiting: 50 });
    const [primary] = [world.account('acme'), world.account('acme')];
    const [connection] = (await held(world, primary, 1)) as [FakeConnection];
    const waiting = Array.from({ length: 20 }, () => outcomeOf(primary.acquire()));
    for (const next of waiting) {
      primary.release(connection);
      await settled();
      expect(next.value).toBe(connection);
    }
    expect(world.begun).toBe(1);
  });

  it('leave the tenant’s figures when the last of them has ended, and not before', async () => {
    const world = new BudgetWorld();
    const [primary, replica] = [world.account('acme'), world.account('acme')];
    const [connection] = await held(world, primary, 1);
    await replica.end('evicted', 0, () => {});
    expect(world.budget.tenantStats()).toMatchObject({ acme: { inUse: 1 } });
    primary.release(connection as FakeConnection, true);
    await world.serve();
    await primary.end('evicted', 0, () => {});
    expect(world.budget.tenantStats()).toEqual({});
    const next = world.account('acme');
    await held(world, next, 1);
    // An end that comes again, as that of a manager does, is not that of the next one.
    await primary.end('closed', 0, () => {});
    expect(world.budget.tenantStats()).toMatchObject({ acme: { inUse: 1 } });
  });
});
