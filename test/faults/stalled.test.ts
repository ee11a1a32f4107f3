import { describe, expect, it } from '@jest/globals';
import { assertRecovered } from '../support/faults/assertRecovered.ts';
import { FaultWorld, REQUEST_TIMEOUT_MS, SLACK_MS } from '../support/faults/FaultWorld.ts';
import { Load } from '../support/faults/Load.ts';
import { settlesWithin } from '../support/settlesWithin.ts';

const CONNECT_TIMEOUT_MS = 800;

describe('a server that falls silent', () => {
  it('holds no request longer than its deadline, and serves as soon as it answers', async () => {
    await using world = await FaultWorld.create({ faulty: { connectTimeoutMs: CONNECT_TIMEOUT_MS } });
    const load = await Load.start(world);
    world.proxy.stall();
    await world.proxy.when(({ heldBytes }) => heldBytes > 0);
    await settlesWithin(REQUEST_TIMEOUT_MS + SLACK_MS, load.failed('acme', 'globex'), 'requests fail');
    await load.served('initech', 'umbrella');
    world.proxy.resume();
    await load.served('acme', 'globex');
    expect(await load.complaints()).toEqual([]);
    await assertRecovered(world);
  });

  it('refuses a new connection after `connectTimeoutMs`, and leaves no socket', async () => {
    await using world = await FaultWorld.create({ faulty: { connectTimeoutMs: CONNECT_TIMEOUT_MS } });
    world.proxy.stall();
    const refused = expect(world.request('acme')).rejects.toThrow(/no answer within 800 ms/);
    await settlesWithin(CONNECT_TIMEOUT_MS + SLACK_MS, refused, 'the caller is told');
    world.proxy.resume();
    await world.proxy.when(({ connections }) => connections === 0);
    await assertRecovered(world);
  });

  it('is given up by a request whose signal is aborted, whose connection is not used again', async () => {
    await using world = await FaultWorld.create();
    await world.request('acme');
    world.proxy.stall();
    const controller = new AbortController();
    const run = world.manager.run('acme', (em) => em.execute('select 1'), { signal: controller.signal });
    const left = expect(run).rejects.toThrow('the client is gone');
    await world.proxy.when(({ heldBytes }) => heldBytes > 0);
    controller.abort(new Error('the client is gone'));
    await settlesWithin(SLACK_MS, left, 'the caller is told');
    world.proxy.resume();
    await assertRecovered(world);
  });
});

describe('a server that is slow to authenticate', () => {
  it('is waited for up to `connectTimeoutMs`', async () => {
    await using world = await FaultWorld.create();
    world.proxy.holdHandshakes();
    const requests = Promise.all(['acme', 'globex'].map((id) => world.request(id)));
    await world.proxy.when(({ accepted }) => accepted === 2);
    await Promise.all(['initech', 'umbrella'].map((id) => world.request(id)));
    world.proxy.resume();
    await requests;
    await assertRecovered(world);
  });

  it('is refused after that, with a few attempts for many callers, while connections that are open go on', async () => {
    await using world = await FaultWorld.create({
      faulty: { connectTimeoutMs: CONNECT_TIMEOUT_MS, maxConnectionsPerTenant: 2 },
    });
    await world.request('acme');
    world.proxy.holdHandshakes();
    const burst = Array.from({ length: 20 }, () => world.request('globex'));
    const outcomes = settlesWithin(REQUEST_TIMEOUT_MS, Promise.allSettled(burst), 'the callers are told');
    await Promise.all([1, 2, 3].map(() => world.read('acme')));
    expect((await outcomes).every(({ status }) => status === 'rejected')).toBe(true);
    // One that is open, three failures until the server counts as down, and two of each tenant under way by then.
    expect(world.proxy.state.accepted).toBeLessThanOrEqual(1 + 3 + 2 * 2);
    world.proxy.resume();
    await assertRecovered(world);
  });
});
