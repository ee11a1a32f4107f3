import { describe, expect, it } from '@jest/globals';
import { CircuitBreaker } from '../../../src/connections/CircuitBreaker.ts';
import { ConnectDeadlineError, connectFailureOf } from '../../../src/connections/connectFailure.ts';
import { TenantConnectionError, TenantDatabaseMissingError, WrongDatabaseError } from '../../../src/errors.ts';
import { BudgetWorld, outcomeOf } from '../../support/connections/BudgetWorld.ts';
import { FakeClock } from '../../support/FakeClock.ts';
import { settled } from '../../support/settled.ts';

const coded = (code: string) => Object.assign(new Error(`it said ${code}`), { code });
const failed = (code: string) => new TenantConnectionError('acme', `it said ${code}`, { cause: coded(code) });
const REFUSED = failed('ECONNREFUSED');

function watchedBreaker(clock = new FakeClock()) {
  const log: string[] = [];
  const breaker = new CircuitBreaker(clock, {
    down: (_error, retryInMs) => log.push(`down, again in ${retryInMs}`),
    up: (downForMs) => log.push(`up after ${downForMs}`),
    changed: () => log.push('changed'),
  });
  return { breaker, clock, log };
}

describe('a circuit breaker', () => {
  it('lets everybody try before the third failure in a row', () => {
    const { breaker, log } = watchedBreaker();
    breaker.fail(REFUSED);
    breaker.fail(REFUSED);
    breaker.succeed();
    breaker.fail(REFUSED);
    breaker.fail(REFUSED);
    expect(breaker.blocked).toBeUndefined();
    expect(breaker.state).toBe('closed');
    expect(log).toEqual([]);
  });

  it('keeps everybody away after it, then lets one probe through at a time, less and less often', () => {
    const { breaker, clock, log } = watchedBreaker();
    for (let n = 0; n < 3; n += 1) {
      breaker.fail(REFUSED);
    }
    expect(breaker.blocked).toEqual({ error: REFUSED, retryInMs: 100 });
    clock.advance(100);
    expect(breaker.blocked).toBeUndefined();
    breaker.begin();
    expect(breaker.state).toBe('half-open');
    expect(breaker.blocked).toMatchObject({ error: REFUSED });
    breaker.fail(REFUSED);
    expect(breaker.blocked).toMatchObject({ retryInMs: 200 });
    clock.advance(200);
    breaker.begin();
    breaker.succeed();
    expect(breaker.state).toBe('closed');
    expect(log).toEqual(['down, again in 100', 'changed', 'changed', 'up after 300', 'changed']);
  });

  it('says that it is open only while it keeps everybody away', () => {
    const { breaker, clock } = watchedBreaker();
    for (let n = 0; n < 3; n += 1) {
      breaker.fail(REFUSED);
    }
    expect(breaker.state).toBe('open');
    // Nobody asks, so that nothing but the time tells.
    clock.advance(100);
    expect(breaker.state).toBe('half-open');
    breaker.begin();
    breaker.fail(REFUSED);
    expect(breaker.state).toBe('open');
  });

  it('lets the next one probe when a probe was given up', () => {
    const { breaker, clock } = watchedBreaker();
    for (let n = 0; n < 3; n += 1) {
      breaker.fail(REFUSED);
    }
    clock.advance(100);
    breaker.begin();
    breaker.abandon();
    expect(breaker.blocked).toBeUndefined();
  });
});

describe('a failure to connect', () => {
  it.each([
    ['a refused connection', coded('ECONNREFUSED'), 'server'],
    ['a name that is not found', coded('ENOTFOUND'), 'server'],
    ['a reset', coded('ECONNRESET'), 'server'],
    ['no answer in time', new ConnectDeadlineError(5), 'server'],
    ['a server that hangs up', new Error('Connection terminated unexpectedly'), 'server'],
    ['a server that starts', coded('57P03'), 'server'],
    ['a server that stops', coded('57P01'), 'server'],
    ['a server without TLS', new Error('The server does not support SSL connections'), 'server'],
    ['too many clients', coded('53300'), 'full'],
    ['a wrong password', coded('28P01'), 'tenant'],
    ['a missing database', coded('3D000'), 'tenant'],
    ['a password function that fails', new Error('the vault is sealed'), 'unknown'],
    ['something that is no error', 'broken', 'unknown'],
  ] as const)('such as %s is told from others', (_what, cause, failure) => {
    expect(connectFailureOf(cause)).toBe(failure);
    expect(connectFailureOf(new TenantConnectionError('acme', 'it failed', { cause }))).toBe(failure);
  });

  it('of another or a missing database is the tenant’s', () => {
    expect(connectFailureOf(new WrongDatabaseError('acme', 'acme', 'globex'))).toBe('tenant');
    expect(connectFailureOf(new TenantDatabaseMissingError('acme', 'acme'))).toBe('tenant');
  });
});

describe('accounts on a server that is down', () => {
  function world(limits = {}) {
    const budgets = new BudgetWorld(limits);
    const events: string[] = [];
    const breaker = new CircuitBreaker(budgets.clock, {
      down: () => events.push('down'),
      up: () => events.push('up'),
      changed: () => budgets.budget.reconsider(),
    });
    return { world: budgets, breaker, events, account: (id: string) => budgets.account(id, { breaker }) };
  }

  async function bringDown({ world: { openings }, account }: ReturnType<typeof world>): Promise<void> {
    for (const id of ['x', 'y', 'z']) {
      const refused = outcomeOf(account(id).acquire());
      openings[0]?.fail(REFUSED);
      await settled();
      expect(refused.error).toBeInstanceOf(TenantConnectionError);
    }
  }

  it('fail fast for every tenant, in the name of that tenant, and say when to come back', async () => {
    const down = world();
    await bringDown(down);
    const refused = outcomeOf(down.account('acme').acquire());
    const other = outcomeOf(down.account('globex').acquire());
    await settled();
    expect(down.world.openings).toHaveLength(0);
    expect(refused.error).toMatchObject({ tenantId: 'acme', status: 503, retryAfterSeconds: 1 });
    expect(other.error).toMatchObject({ tenantId: 'globex', code: 'TENANT_CONNECTION_FAILED' });
    expect((other.error as Error).cause).toBe(REFUSED.cause);
    expect(down.events).toEqual(['down']);
    down.world.assertEmpty();
  });

  it('go on with the connections that they have', async () => {
    const down = world();
    const acme = down.account('acme');
    const first = acme.acquire();
    await down.world.serve();
    acme.release(await first);
    await bringDown(down);
    expect(await acme.acquire()).toBe(await first);
    const waiting = outcomeOf(acme.acquire());
    acme.release(await first);
    await settled();
    expect(waiting.value).toBe(await first);
  });

  it('ask nothing more for a burst once an attempt has failed, before the others have come to their end', async () => {
    const down = world({ maxConnectionsPerTenant: 3 });
    const acme = down.account('acme');
    const burst = Array.from({ length: 5 }, () => outcomeOf(acme.acquire()));
    down.world.openings[0]?.fail(REFUSED);
    await settled();
    expect([down.world.openings.length, down.world.begun]).toEqual([2, 3]);
    down.world.openings[0]?.fail(REFUSED);
    await settled();
    down.world.openings[0]?.fail(REFUSED);
    await settled();
    expect(down.world.begun).toBe(3);
    expect(burst.every(({ error }) => error instanceof TenantConnectionError)).toBe(true);
    down.world.assertEmpty();
  });

  it('go on with a burst when another attempt of it succeeds', async () => {
    const down = world({ maxConnectionsPerTenant: 2 });
    const acme = down.account('acme');
    const burst = Array.from({ length: 3 }, () => outcomeOf(acme.acquire()));
    down.world.openings[0]?.fail(REFUSED);
    await settled();
    await down.world.serve();
    expect(burst.map(({ value }) => value !== undefined)).toEqual([false, true, true]);
    expect(down.events).toEqual([]);
  });

  it('turn away who waited for room there', async () => {
    const down = world({ maxConnections: 1, maxConnectionsPerTenant: 1 });
    const waiting = ['a', 'b', 'c', 'd'].map((id) => outcomeOf(down.account(id).acquire()));
    for (let n = 0; n < 3; n += 1) {
      down.world.openings[0]?.fail(REFUSED);
      await settled();
    }
    expect(waiting.map(({ error }) => error instanceof TenantConnectionError)).toEqual([true, true, true, true]);
    down.world.assertEmpty();
  });

  it('probe one at a time, and all go on once the server answers, were it with a refusal', async () => {
    const down = world();
    await bringDown(down);
    down.world.clock.advance(100);
    const [acme, globex] = [down.account('acme'), down.account('globex')];
    const probing = outcomeOf(acme.acquire());
    const refused = outcomeOf(globex.acquire());
    await settled();
    expect(down.world.openings.map(({ tenantId }) => tenantId)).toEqual(['acme']);
    expect(refused.error).toBeInstanceOf(TenantConnectionError);
    down.world.openings[0]?.fail(new TenantDatabaseMissingError('acme', 'acme'));
    await settled();
    expect(probing.error).toBeInstanceOf(TenantDatabaseMissingError);
    expect(down.breaker.state).toBe('closed');
    expect(down.events).toEqual(['down', 'up']);
    const served = outcomeOf(globex.acquire());
    await down.world.serve();
    expect(served.value?.tenantId).toBe('globex');
  });

  it('wait for a connection in use, and try again themselves when it is time', async () => {
    const down = world();
    const acme = down.account('acme');
    const held = acme.acquire();
    await down.world.serve();
    await held;
    await bringDown(down);
    const waiting = outcomeOf(acme.acquire());
    await settled();
    expect(waiting).toEqual({});
    down.world.clock.advance(100);
    expect(down.world.openings).toHaveLength(1);
    await down.world.serve();
    expect(waiting.value).toBeDefined();
  });
});
