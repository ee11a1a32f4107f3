import { describe, expect, it } from '@jest/globals';
import { TenantConnectionError } from '../../../src/errors.ts';
import {
  BudgetWorld,
  type FakeAccount,
  type FakeConnection,
  outcomeOf,
} from '../../support/connections/BudgetWorld.ts';
import { FakeClock } from '../../support/FakeClock.ts';
import { settled } from '../../support/settled.ts';

const FULL = new TenantConnectionError('acme', 'sorry, too many clients already', {
  cause: Object.assign(new Error('sorry, too many clients already'), { code: '53300' }),
});

/** Three idle connections of others, and one in use of acme, which was opened long ago. */
async function amongIdleOnes() {
  const world = new BudgetWorld({ maxConnectionsPerTenant: 3 });
  for (const id of ['a', 'b', 'c']) {
    const account = world.account(id);
    const acquired = account.acquire();
    await world.serve();
    account.release(await acquired);
  }
  const acme = world.account('acme');
  const acquired = acme.acquire();
  await world.serve();
  world.clock.advance(1_000);
  return { world, acme, held: await acquired };
}

const waitingAt = (acme: FakeAccount, signal?: AbortSignal) => outcomeOf(acme.acquire({ signal }));

describe('a caller of a tenant that has a connection', () => {
  it('is patient from when it came, however long ago the last one was opened', async () => {
    const { world, acme } = await amongIdleOnes();
    waitingAt(acme);
    world.clock.advance(19);
    expect(world.closing).toHaveLength(0);
    world.clock.advance(1);
    expect(world.closing).toHaveLength(1);
  });

  it('is patient anew when a connection was opened for the one before it', async () => {
    const { world, acme } = await amongIdleOnes();
    waitingAt(acme);
    const second = waitingAt(acme);
    world.clock.advance(20);
    world.closing[0]?.finishClosing();
    await settled();
    // One at a time: what is being opened may serve them both.
    expect([world.openings.length, world.closing.length]).toEqual([1, 0]);
    await world.serve();
    expect(world.budget.stats()).toMatchObject({ inUse: 2, waiting: 1, stolen: 1 });
    world.clock.advance(19);
    expect(world.closing).toHaveLength(0);
    world.clock.advance(1);
    expect(world.closing).toHaveLength(1);
    await world.serve();
    expect(second.value).toBeDefined();
  });

  it('is patient from when it came itself, where the one before it got a connection in use', async () => {
    const { world, acme, held } = await amongIdleOnes();
    const first = waitingAt(acme);
    world.clock.advance(15);
    waitingAt(acme);
    acme.release(held);
    await settled();
    expect(first.value).toBe(held);
    world.clock.advance(19);
    expect(world.closing).toHaveLength(0);
    world.clock.advance(1);
    expect(world.closing).toHaveLength(1);
  });

  it('is patient from when it came itself, where the one before it left', async () => {
    const { world, acme } = await amongIdleOnes();
    const timers = world.clock.pending;
    const controller = new AbortController();
    const leaving = waitingAt(acme, controller.signal);
    world.clock.advance(10);
    controller.abort(new Error('gone'));
    await settled();
    expect(leaving.error).toBeDefined();
    expect(world.clock.pending).toBe(timers);
    waitingAt(acme);
    world.clock.advance(19);
    expect(world.closing).toHaveLength(0);
    world.clock.advance(1);
    expect(world.closing).toHaveLength(1);
  });

  it('is patient although the one before it had lost patience when it left', async () => {
    const world = new BudgetWorld();
    const [acme, globex] = [world.account('acme'), world.account('globex')];
    const [, theirs] = [acme.acquire(), globex.acquire(), globex.acquire(), world.account('c').acquire()];
    await world.serve();
    const controller = new AbortController();
    const leaving = waitingAt(acme, controller.signal);
    world.clock.advance(100);
    controller.abort(new Error('gone'));
    await settled();
    expect(leaving.error).toBeDefined();
    globex.release(await (theirs as Promise<FakeConnection>));
    waitingAt(acme);
    expect(world.closing).toHaveLength(0);
    world.clock.advance(20);
    expect(world.closing).toHaveLength(1);
  });

  it('leaves no timer when its account ends while it is patient', async () => {
    const { world, acme } = await amongIdleOnes();
    const refused = waitingAt(acme);
    const ended = acme.end('evicted', 0, () => {});
    world.clock.advance(0);
    await world.serve();
    await ended;
    expect(refused.error).toBeDefined();
    // The one that closes the idle connections of the others.
    expect(world.clock.pending).toBe(1);
  });
});

describe('a caller that waits until a connection may be opened again', () => {
  async function full(clock?: FakeClock) {
    const world = new BudgetWorld({}, undefined, clock);
    const acme = world.account('acme');
    const acquired = acme.acquire();
    await world.serve();
    const outcomes = [waitingAt(acme), waitingAt(acme)];
    world.openings[0]?.fail(FULL);
    await settled();
    return { world, acme, held: await acquired, outcomes };
  }

  it('leaves no timer when it is served by one that came free', async () => {
    const { world, acme, held, outcomes } = await full();
    acme.release(held);
    await settled();
    acme.release(outcomes[0]?.value as FakeConnection);
    await settled();
    expect(outcomes[1]?.value).toBe(held);
    expect(world.clock.pending).toBe(0);
  });

  it('has it tried again, also where the one before it was told of the failure', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    void acme.acquire();
    await world.serve();
    const outcomes = [waitingAt(acme), waitingAt(acme)];
    world.openings[0]?.fail(new TenantConnectionError('acme', 'connect ECONNREFUSED'));
    await settled();
    expect(outcomes.map(({ error }) => error !== undefined)).toEqual([true, false]);
    world.clock.advance(99);
    expect(world.openings).toHaveLength(0);
    world.clock.advance(1);
    expect(world.openings).toHaveLength(1);
  });

  it('has it tried again where a timer fires a moment early', async () => {
    class EarlyClock extends FakeClock {
      override schedule(delayMs: number, fn: () => void): () => void {
        return super.schedule(delayMs === 100 ? 99 : delayMs, fn);
      }
    }
    const { world } = await full(new EarlyClock());
    world.clock.advance(99);
    expect(world.openings).toHaveLength(0);
    world.clock.advance(1);
    expect(world.openings).toHaveLength(1);
  });

  it('keeps nobody out for whom there is room', async () => {
    const world = new BudgetWorld({ maxConnectionsPerTenant: 3, maxWaiting: 0, maxWaitingPerTenant: 9 });
    const acme = world.account('acme');
    void acme.acquire();
    await world.serve();
    const outcomes = [waitingAt(acme), waitingAt(acme)];
    for (const opening of [...world.openings]) {
      opening.fail(FULL);
      await settled();
    }
    expect(outcomes).toEqual([{}, {}]);
    expect(world.budget.stats()).toMatchObject({ opening: 0, waiting: 2 });
    const other = waitingAt(world.account('globex'));
    await world.serve();
    expect(other.value?.tenantId).toBe('globex');
  });
});
