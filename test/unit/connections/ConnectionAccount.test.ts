import { describe, expect, it } from '@jest/globals';
import { TenantClosedError, TenantConnectionError, TenantDatabaseMissingError } from '../../../src/errors.ts';
import { BudgetWorld, type FakeConnection, outcomeOf } from '../../support/connections/BudgetWorld.ts';
import { settled } from '../../support/settled.ts';

const refused = () => new TenantConnectionError('acme', 'connect ECONNREFUSED');

describe('the account of a tenant', () => {
  it('rejects every waiting caller where no connection can be opened', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    const outcomes = [1, 2, 3, 4].map(() => outcomeOf(acme.acquire()));
    const error = refused();
    for (const opening of [...world.openings]) {
      opening.fail(error);
      await settled();
    }
    expect(outcomes.map((outcome) => outcome.error)).toEqual([error, error, error, error]);
    world.assertEmpty();
  });

  it('tries no more often than its connections allow, however many callers wait', async () => {
    const world = new BudgetWorld({ maxWaitingPerTenant: 50, maxWaiting: 50 });
    const acme = world.account('acme');
    const outcomes = Array.from({ length: 20 }, () => outcomeOf(acme.acquire()));
    let attempts = 0;
    for (; world.openings.length > 0 && attempts < 20; attempts += 1) {
      world.openings[0]?.fail(refused());
      await settled();
    }
    expect(attempts).toBe(2);
    expect(outcomes.every(({ error }) => error instanceof TenantConnectionError)).toBe(true);
    world.assertEmpty();
  });

  it('does not ask the server again while it backs off, and says when it will', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    const first = outcomeOf(acme.acquire());
    world.openings[0]?.fail(refused());
    await settled();
    expect(first.error).toBeInstanceOf(TenantConnectionError);
    await expect(acme.acquire()).rejects.toMatchObject({
      code: 'TENANT_CONNECTION_FAILED',
      message: expect.stringContaining('tried again in 100 ms'),
      retryAfterSeconds: 1,
      cause: first.error,
    });
    expect(world.openings).toHaveLength(0);
    world.clock.advance(100);
    const again = acme.acquire();
    await world.serve();
    acme.release(await again);
    const ended = acme.end('evicted', 0, () => {});
    await world.serve();
    await ended;
    world.assertEmpty();
  });

  it('gives the same error again while it backs off where waiting would not help', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    const missing = new TenantDatabaseMissingError('acme', 'acme');
    const first = outcomeOf(acme.acquire());
    world.openings[0]?.fail(missing);
    await settled();
    expect(first.error).toBe(missing);
    await expect(acme.acquire()).rejects.toBe(missing);
  });

  it('keeps serving from the connections it has while another cannot be opened, and tries again after the back-off', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    const held = acme.acquire();
    await world.serve();
    const [unlucky, patient] = [outcomeOf(acme.acquire()), outcomeOf(acme.acquire())];
    world.openings[0]?.fail(refused());
    await settled();
    expect(unlucky.error).toBeInstanceOf(TenantConnectionError);
    expect(world.openings).toHaveLength(0);
    const newcomer = outcomeOf(acme.acquire());
    expect(world.openings).toHaveLength(0);
    acme.release(await held);
    await settled();
    expect(patient.value).toBe(await held);
    world.clock.advance(100);
    expect(world.openings).toHaveLength(1);
    await world.serve();
    expect(newcomer.value?.tenantId).toBe('acme');
  });

  it('lets a newcomer wait with those who do, although nothing may be opened yet', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    const held = acme.acquire();
    await world.serve();
    const [unlucky, patient] = [outcomeOf(acme.acquire()), outcomeOf(acme.acquire())];
    world.openings[0]?.fail(refused());
    await settled();
    acme.broken(await held);
    const newcomer = outcomeOf(acme.acquire());
    await world.serve();
    expect([unlucky, patient, newcomer].map(({ error }) => error !== undefined)).toEqual([true, false, false]);
    world.clock.advance(100);
    await world.serve();
    expect([patient, newcomer].map(({ value }) => value !== undefined)).toEqual([true, true]);
  });

  it('closes what its user does not trust, and opens another for whoever waits', async () => {
    const world = new BudgetWorld({ maxConnectionsPerTenant: 1 });
    const acme = world.account('acme');
    const first = acme.acquire();
    await world.serve();
    const next = outcomeOf(acme.acquire());
    acme.release(await first, true);
    expect((await first).closeCause).toBe('not reusable');
    expect(world.openings).toHaveLength(0);
    await world.serve();
    expect(next.value).toBeDefined();
    expect(next.value).not.toBe(await first);
  });

  it('forgets a connection that broke while it was idle', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    const first = acme.acquire();
    await world.serve();
    acme.release(await first);
    acme.broken(await first);
    expect((await first).closeCause).toBe('broken');
    const second = acme.acquire();
    await world.serve();
    expect(await second).not.toBe(await first);
  });

  it('takes a connection that broke from its user, who may never give it back', async () => {
    const world = new BudgetWorld({ maxConnectionsPerTenant: 1 });
    const acme = world.account('acme');
    const first = acme.acquire();
    await world.serve();
    const next = outcomeOf(acme.acquire());
    acme.broken(await first);
    expect((await first).closeCause).toBe('broken');
    await world.serve();
    expect(next.value).toBeDefined();
    acme.release(await first);
    expect(world.budget.stats()).toMatchObject({ inUse: 1, idle: 0 });
  });

  it('ignores a second release of the same connection', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    const first = acme.acquire();
    await world.serve();
    acme.release(await first);
    acme.release(await first);
    acme.release(await first, true);
    expect(world.budget.stats()).toMatchObject({ idle: 1, inUse: 0, closing: 0 });
  });

  it('hands out nothing after its end', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    await acme.end('evicted', 0, () => {});
    expect(world.budget.tenantStats()).toEqual({});
    await expect(acme.acquire()).rejects.toBeInstanceOf(TenantClosedError);
    world.assertEmpty();
  });

  it('ends with an idle, a used, an opening connection and waiting callers, and leaves nothing', async () => {
    const world = new BudgetWorld({ maxConnectionsPerTenant: 3 });
    const acme = world.account('acme');
    const acquired = [acme.acquire(), acme.acquire()];
    await world.serve();
    const [used, idle] = await Promise.all(acquired);
    acme.release(idle as FakeConnection);
    expect(await acme.acquire()).toBe(idle);
    const waiting = [1, 2, 3].map(() => outcomeOf(acme.acquire()));
    acme.release(idle as FakeConnection);
    await settled();
    const [opening] = world.openings;
    const forced: unknown[] = [];
    const ended = outcomeOf(acme.end('evicted', 500, (connection) => forced.push(connection)));
    await settled();
    expect(waiting.filter(({ error }) => error instanceof TenantClosedError)).toHaveLength(2);
    expect(opening?.signal.aborted).toBe(true);
    opening?.fail(opening.signal.reason);
    acme.release(idle as FakeConnection);
    await world.serve();
    expect(ended).toStrictEqual({});
    world.clock.advance(500);
    expect(forced).toEqual([used]);
    await world.serve();
    expect(ended).toHaveProperty('value');
    // Whoever had it gives it back later, which is harmless.
    acme.release(used as FakeConnection);
    world.assertEmpty();
  });

  it('closes a connection that opens although its account has ended', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    const waiting = outcomeOf(acme.acquire());
    const ended = outcomeOf(acme.end('evicted', 0, () => {}));
    const connection = world.openings[0]?.succeed();
    await settled();
    expect(connection?.closeCause).toBe('ended');
    expect(ended).toStrictEqual({});
    await world.serve();
    expect(waiting.error).toBeInstanceOf(TenantClosedError);
    expect(ended).toHaveProperty('value');
    world.assertEmpty();
  });

  it('may be ended again with less time, and both ends are told', async () => {
    const world = new BudgetWorld();
    const acme = world.account('acme');
    const acquired = acme.acquire();
    await world.serve();
    const forced: unknown[] = [];
    const ends = [5_000, 10].map((graceMs) => outcomeOf(acme.end('evicted', graceMs, (one) => forced.push(one))));
    world.clock.advance(10);
    expect(forced).toEqual([await acquired]);
    await world.serve();
    expect(ends.every((end) => 'value' in end)).toBe(true);
    world.assertEmpty();
  });

  it('gives the room of an ended tenant to the one that waits for it', async () => {
    const world = new BudgetWorld({ maxConnections: 1, maxConnectionsPerTenant: 1 });
    const [acme, globex] = [world.account('acme'), world.account('globex')];
    const held = acme.acquire();
    await world.serve();
    const wanted = outcomeOf(globex.acquire());
    const ended = acme.end('evicted', 0, () => {});
    world.clock.advance(0);
    await world.serve();
    await ended;
    expect((await held).closeCause).toBe('not reusable');
    expect(wanted.value?.tenantId).toBe('globex');
  });
});
