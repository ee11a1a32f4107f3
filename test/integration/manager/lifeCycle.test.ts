import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EventSubscriber } from '@mikro-orm/core';
import { StaticCatalog, type TenancyEvents, type Tenant, TenantOpenError } from 'mikro-orm-multitenancy';
import { serverUrl } from '../../support/databases.ts';
import { assertClosed, House, nextEvent, TestTenants, until } from '../../support/manager/TestTenants.ts';
import { settled } from '../../support/settled.ts';

describe('open tenants', () => {
  const ids = ['a', 'b', 'c', 'd'];
  let tenants: TestTenants;
  beforeAll(async () => {
    // One database serves where only handles are looked at.
    tenants = await TestTenants.create(ids);
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  async function watched(options: Parameters<TestTenants['manager']>[0]) {
    const manager = await tenants.manager(options);
    const evicted: string[] = [];
    manager.events.on('tenant:evicted', ({ tenantId, reason }) => evicted.push(`${tenantId} ${reason}`));
    return { manager, evicted };
  }

  it('are closed in the order of their last use above the cap', async () => {
    const { manager, evicted } = await watched({ maxOpenTenants: 2 });
    for (const id of ['a', 'b', 'a', 'c', 'd']) {
      await manager.run(id, () => id);
    }
    await until(async () => evicted.length === 2, 'nothing is evicted');
    expect(evicted).toEqual(['b capacity', 'a capacity']);
    expect(manager.stats().handles.open).toBe(2);
  });

  it('are never closed while they are leased, and the cap holds again after the release', async () => {
    const { manager, evicted } = await watched({ maxOpenTenants: 1 });
    const leases = await Promise.all(ids.map((id) => manager.acquire(id)));
    expect(await Promise.all(leases.map((lease) => lease.run((em) => em.count(House))))).toEqual([0, 0, 0, 0]);
    expect(manager.stats().handles).toMatchObject({ open: 4, leased: 4 });
    for (const lease of leases) {
      lease.release();
    }
    await until(async () => evicted.length === 3, 'too much stays open');
    expect(manager.stats().handles).toEqual({ open: 1, opening: 0, leased: 0 });
  });

  it('are closed after their idle time, with their connections', async () => {
    const { manager } = await watched({ idleTimeoutMs: 30 });
    const evicted = nextEvent(manager, 'tenant:evicted');
    await manager.run('a', (em) => em.count(House));
    expect(await evicted).toMatchObject({ tenantId: 'a', reason: 'idle', openForMs: expect.any(Number) });
    expect(manager.stats().servers['default']?.requests).toMatchObject({ idle: 0, inUse: 0, closing: 0 });
    expect(await manager.run('a', (em) => em.count(House))).toBe(0);
  });

  it('are closed after their idle time also when whoever opened them gave up', async () => {
    const { manager } = await watched({ idleTimeoutMs: 30, shareMetadata: false, warn: () => {} });
    const evicted = nextEvent(manager, 'tenant:evicted');
    const controller = new AbortController();
    const leasing = expect(manager.acquire('a', { signal: controller.signal })).rejects.toThrow('gone');
    while (manager.stats().handles.opening === 0) {
      await Promise.resolve();
    }
    controller.abort(new Error('gone'));
    await leasing;
    expect(await evicted).toMatchObject({ tenantId: 'a', reason: 'idle' });
    expect(manager.stats().handles).toEqual({ open: 0, opening: 0, leased: 0 });
  });

  it('are evicted after their leases, and a new lease meanwhile is on a new ORM', async () => {
    const { manager, evicted } = await watched({});
    const lease = await manager.acquire('a');
    const { orm } = lease;
    const evicting = manager.evict('a');
    const next = await manager.acquire('a');
    expect(next.orm).not.toBe(orm);
    expect(await lease.run((em) => em.count(House))).toBe(0);
    await settled();
    expect(evicted).toEqual([]);
    lease.release();
    expect(await evicting).toBe(true);
    expect(evicted).toEqual(['a evicted']);
    expect(await next.run((em) => em.count(House))).toBe(0);
    next.release();
    expect(await manager.evict('nobody')).toBe(false);
  });

  it('can be evicted, acquired and closed at once in any order, and nothing is left', async () => {
    for (const shareMetadata of [true, false]) {
      const { manager } = await watched({ shareMetadata, warn: () => {}, maxOpenTenants: 2 });
      const work = ids.flatMap((id) => [
        manager.run(id, (em) => em.count(House)),
        manager.evict(id),
        manager.run(id, (em) => em.count(House)),
        manager.acquire(id).then((lease) => lease.release()),
        manager.evict(id, { timeoutMs: 0 }),
        manager.run(id, (em) => em.count(House)),
      ]);
      const outcomes = Promise.allSettled(work);
      await settled();
      await manager.close({ timeoutMs: 2_000 });
      const codes = (await outcomes).map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'fine'));
      expect(codes.filter((code) => !['fine', 'TENANT_CLOSED', 'MANAGER_CLOSED'].includes(code))).toEqual([]);
      expect(manager.stats().leases).toBe(0);
      assertClosed(manager);
    }
  });

  it('that cannot be opened are tried again after a back-off, and do not trouble the others', async () => {
    const broken = { is: false, constructed: 0 };
    class Fragile implements EventSubscriber {
      constructor() {
        broken.constructed += 1;
        if (broken.is) {
          throw new Error('the subscriber is not ready');
        }
      }
    }
    const { manager } = await watched({
      shareMetadata: false,
      warn: () => {},
      orm: { entities: [House], subscribers: [Fragile] },
    });
    const failed: TenancyEvents['tenant:open-failed'][] = [];
    manager.events.on('tenant:open-failed', (event) => failed.push(event));
    expect(await manager.run('b', () => 'open before')).toBe('open before');

    broken.is = true;
    const constructed = broken.constructed;
    const first = await Promise.allSettled(Array.from({ length: 20 }, () => manager.run('a', () => 1)));
    expect(first.every((outcome) => outcome.status === 'rejected' && outcome.reason instanceof TenantOpenError)).toBe(
      true,
    );
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatchObject({
      tenantId: 'a',
      retryInMs: 100,
      error: expect.objectContaining({ message: 'the subscriber is not ready' }),
    });
    await expect(manager.run('a', () => 1)).rejects.toMatchObject({
      code: 'TENANT_OPEN_FAILED',
      status: 503,
      retryAfterSeconds: 1,
      cause: expect.objectContaining({ message: 'the subscriber is not ready' }),
    });
    expect(broken.constructed).toBe(constructed + 1);
    expect(manager.stats().handles).toEqual({ open: 1, opening: 0, leased: 0 });
    expect(await manager.run('b', () => 'still open')).toBe('still open');

    broken.is = false;
    let value: string | undefined;
    await until(async () => {
      value = await manager.run('a', () => 'open at last').catch(() => undefined);
      return value !== undefined;
    }, 'the tenant never opens');
    expect(value).toBe('open at last');
    expect(failed).toHaveLength(1);
  });

  it('are closed once, however often `close` is called, and `await using` is one of them', async () => {
    await using manager = await tenants.manager();
    await manager.run('a', (em) => em.count(House));
    const first = manager.close();
    expect(manager.close()).toBe(first);
    await first;
    await manager.close();
    assertClosed(manager);
  });

  it('are closed where nothing was ever opened', async () => {
    const { manager } = await watched({});
    await manager.close();
    assertClosed(manager);
  });

  it('are counted by server', async () => {
    const placed: Tenant[] = tenants.tenants.map((tenant) => ({ ...tenant, server: tenant.id < 'c' ? 'eu' : 'us' }));
    const { manager } = await watched({
      servers: { eu: serverUrl(), us: { url: serverUrl(), maxConnections: 10, reservedConnections: 3 } },
      catalog: new StaticCatalog(placed),
    });
    await Promise.all(ids.map((id) => manager.run(id, (em) => em.count(House))));
    const zero = { opening: 0, inUse: 0, closing: 0, waiting: 0, longestWaitMs: 0, stolen: 0, refused: 0, tainted: 0 };
    expect(manager.stats()).toEqual({
      handles: { open: 4, opening: 0, leased: 0 },
      leases: 0,
      servers: {
        eu: {
          requests: { ...zero, open: 2, idle: 2, limit: 48 },
          reserved: { ...zero, open: 0, idle: 0, limit: 2 },
          breakers: { primary: 'closed' },
        },
        us: {
          requests: { ...zero, open: 2, idle: 2, limit: 7 },
          reserved: { ...zero, open: 0, idle: 0, limit: 3 },
          breakers: { primary: 'closed' },
        },
      },
      refused: {},
    });
    const open = { ...zero, open: 1, idle: 1 };
    expect(manager.stats({ tenants: true }).servers['eu']?.tenants).toEqual({ a: open, b: open });
  });

  it('share the connections of their server below its ceiling, whatever is asked for', async () => {
    const { manager } = await watched({
      server: { url: serverUrl(), maxConnections: 4, reservedConnections: 1, acquireTimeoutMs: 20_000 },
    });
    let most = 0;
    manager.events.on('connection:opened', () => {
      const { opening = 0, idle = 0, inUse = 0, closing = 0 } = manager.stats().servers['default']?.requests ?? {};
      most = Math.max(most, opening + idle + inUse + closing);
    });
    const work = Array.from({ length: 60 }, (_, n) => manager.run(ids[n % 4] as string, (em) => em.count(House)));
    expect(await Promise.all(work)).toEqual(Array.from({ length: 60 }, () => 0));
    expect(most).toBeLessThanOrEqual(3);
    expect((await tenants.sessions()).length).toBeLessThanOrEqual(3 + 2 * ids.length);
  });
});
