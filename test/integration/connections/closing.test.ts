import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LeaseReleasedError, ManagerClosedError, TenantClosedError } from 'mikro-orm-multitenancy';
import { outcomeOf } from '../../support/connections/BudgetWorld.ts';
import { StallingProxy } from '../../support/connections/StallingProxy.ts';
import { adminQuery, serverUrl } from '../../support/databases.ts';
import { assertClosed, House, nextEvent, TestTenants, until } from '../../support/manager/TestTenants.ts';

const ENOUGH_MS = 2_000;

describe('closing a tenant', () => {
  let tenants: TestTenants;
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme', 'globex']);
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  const busy = async (query: string): Promise<void> => {
    const sql = 'select 1 from pg_stat_activity where datname = $1 and query = $2 and state = $3';
    const database = tenants.databaseOf('acme');
    await until(async () => (await adminQuery(sql, [database, query, 'active'])).length > 0, `${query} does not run`);
  };

  it('waits for a query in flight, and the query is served', async () => {
    const manager = await tenants.manager();
    const query = 'select pg_sleep(0.2), 41 + 1 as answer';
    const running = manager.run('acme', (em) => em.execute<{ answer: number }[]>(query));
    await busy(query);
    await manager.close({ timeoutMs: 10_000 });
    expect((await running)[0]?.answer).toBe(42);
    assertClosed(manager);
    await tenants.noSessions();
  });

  it('cuts off a query that takes longer than the deadline, whose caller is told', async () => {
    const manager = await tenants.manager();
    const query = 'select pg_sleep(61)';
    const running = outcomeOf(manager.run('acme', (em) => em.execute(query)));
    await busy(query);
    const startedAt = performance.now();
    await manager.close({ timeoutMs: 100 });
    expect(performance.now() - startedAt).toBeLessThan(ENOUGH_MS);
    await until(async () => running.error !== undefined, 'the caller waits for ever');
    assertClosed(manager);
    await tenants.noSessions();
  });

  it.each(['direct', 'pooled'])('ends the statement of a session that it cuts off (%s)', async (how) => {
    const manager = await tenants.manager({
      server: { url: serverUrl(), ...(how === 'pooled' ? { pooler: 'transaction' } : {}) },
    });
    const query = `select pg_sleep(62), '${how}'`;
    const running = outcomeOf(manager.run('acme', (em) => em.execute(query)));
    await busy(query);
    expect(await manager.evict('acme', { timeoutMs: 10 })).toBe(true);
    await tenants.noSessions();
    await until(async () => running.error !== undefined, 'the caller waits for ever');
    await manager.close();
    assertClosed(manager);
  });

  it('takes no longer than its deadline where the server stops to answer', async () => {
    await using proxy = await StallingProxy.start(serverUrl());
    const manager = await tenants.manager({ server: proxy.url });
    const begun = Promise.withResolvers<void>();
    const holder = outcomeOf(
      manager.run('acme', (em) =>
        em.transactional(async (tx) => {
          await tx.count(House);
          begun.resolve();
          await tx.execute('select pg_sleep(60)');
        }),
      ),
    );
    await begun.promise;
    await manager.run('acme', (em) => em.count(House));
    await manager.run('globex', (em) => em.count(House));
    proxy.stall();
    // A busy machine is late with everything; how late is known.
    const lag = monitorEventLoopDelay({ resolution: 5 });
    lag.enable();
    try {
      const startedAt = performance.now();
      await manager.close({ timeoutMs: 200 });
      expect(performance.now() - startedAt).toBeLessThan(300 + lag.max / 1e6);
      await until(async () => holder.error !== undefined, 'the caller waits for ever');
      assertClosed(manager);
    } finally {
      lag.disable();
      proxy.drop();
      await adminQuery("select pg_terminate_backend(pid) from pg_stat_activity where query = 'select pg_sleep(60)'");
    }
    await tenants.noSessions();
  });

  it('turns callers away that wait for a connection', async () => {
    const manager = await tenants.manager({ server: { url: serverUrl(), maxConnectionsPerTenant: 1 } });
    const lease = await manager.acquire('acme');
    const holding = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const holder = lease.run((em) =>
      em.transactional(async (tx) => {
        await tx.execute('select 1');
        begun.resolve();
        await holding.promise;
      }),
    );
    await begun.promise;
    const waiting = [1, 2, 3].map(() => outcomeOf(lease.run((em) => em.find(House, {}))));
    await until(async () => manager.stats().servers['default']?.requests.waiting === 3, 'nobody waits');
    const closed = manager.close({ timeoutMs: 100 });
    await closed;
    expect(waiting.every(({ error }) => error instanceof TenantClosedError)).toBe(true);
    holding.resolve();
    await expect(holder).rejects.toThrow();
    lease.release();
    assertClosed(manager);
    await tenants.noSessions();
  });

  it('does not hang where a transaction was begun and never ended', async () => {
    const manager = await tenants.manager();
    await manager.run('acme', (em) => em.begin());
    expect(manager.stats().servers['default']?.requests.inUse).toBe(1);
    const startedAt = performance.now();
    expect(await manager.evict('acme', { timeoutMs: 100 })).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(ENOUGH_MS);
    await tenants.noSessions();
    expect(await manager.run('acme', (em) => em.count(House))).toBe(0);
    await manager.close();
    assertClosed(manager);
  });

  it('does not hang where a transaction failed and was left behind', async () => {
    const manager = await tenants.manager();
    await manager.run('acme', async (em) => {
      await em.begin();
      await expect(em.execute('select * from missing_table')).rejects.toThrow();
    });
    await manager.close({ timeoutMs: 100 });
    assertClosed(manager);
    await tenants.noSessions();
  });

  it('does not hang where a lease is never released, and what still uses it is refused', async () => {
    const manager = await tenants.manager();
    const lease = await manager.acquire('acme');
    const em = lease.orm.em.fork();
    expect(await em.count(House)).toBe(0);
    const startedAt = performance.now();
    await manager.close({ timeoutMs: 100 });
    expect(performance.now() - startedAt).toBeLessThan(ENOUGH_MS);
    await expect(em.find(House, {})).rejects.toThrow(TenantClosedError);
    await expect(lease.run((own) => own.find(House, {}))).rejects.toThrow(TenantClosedError);
    await expect(em.transactional((tx) => tx.count(House))).rejects.toThrow(TenantClosedError);
    lease.release();
    assertClosed(manager);
    await tenants.noSessions();
  });

  it('opens nothing afterwards', async () => {
    const manager = await tenants.manager();
    const kept = await manager.run('acme', async (em) => {
      await em.count(House);
      return em;
    });
    await manager.close();
    await expect(kept.count(House)).rejects.toThrow(TenantClosedError);
    await expect(manager.run('acme', () => 1)).rejects.toThrow(ManagerClosedError);
    await expect(manager.acquire('acme')).rejects.toThrow(ManagerClosedError);
    await expect(manager.migrator('acme').up()).rejects.toThrow(ManagerClosedError);
    await expect(manager.migrator('acme').getPending()).rejects.toThrow(ManagerClosedError);
    expect(await manager.evict('acme')).toBe(false);
    assertClosed(manager);
    expect(await tenants.sessions()).toEqual([]);
  });

  it('is right when the application closes the ORM of its lease, and the next run opens another', async () => {
    const manager = await tenants.manager();
    const evicted = nextEvent(manager, 'tenant:evicted');
    const lease = await manager.acquire('acme');
    await lease.run((em) => em.count(House));
    await lease.orm.close();
    await tenants.noSessions();
    await expect(lease.run((em) => em.count(House))).rejects.toThrow(TenantClosedError);
    lease.release();
    expect(await evicted).toMatchObject({ tenantId: 'acme', reason: 'closed by the application' });
    expect(await manager.run('acme', (em) => em.count(House))).toBe(0);
    await manager.close();
    assertClosed(manager);
  });

  it('is right when the application closes its ORM while queries run, wait and begin', async () => {
    const manager = await tenants.manager({ server: { url: serverUrl(), maxConnectionsPerTenant: 2 } });
    const lease = await manager.acquire('acme');
    const queries = Array.from({ length: 12 }, () => lease.run((em) => em.execute('select pg_sleep(0.05)')));
    const outcomes = Promise.allSettled(queries);
    await until(async () => manager.stats().servers['default']?.requests.waiting === 10, 'nobody waits');
    await lease.orm.close();
    lease.release();
    const rejected = (await outcomes).filter((outcome) => outcome.status === 'rejected');
    expect(rejected).toHaveLength(10);
    expect(rejected.every(({ reason }) => reason instanceof TenantClosedError)).toBe(true);
    await manager.close({ timeoutMs: 1_000 });
    assertClosed(manager);
    await tenants.noSessions();
  });

  it('lets a close with less time overtake an eviction that is patient', async () => {
    const manager = await tenants.manager();
    const lease = await manager.acquire('acme');
    const evicted = manager.evict('acme', { timeoutMs: 60_000 });
    const startedAt = performance.now();
    await manager.close({ timeoutMs: 100 });
    expect(performance.now() - startedAt).toBeLessThan(ENOUGH_MS);
    expect(await evicted).toBe(true);
    expect(() => lease.release()).not.toThrow();
    assertClosed(manager);
  });

  it('lets a second eviction wait for the first', async () => {
    const manager = await tenants.manager();
    const lease = await manager.acquire('acme');
    await lease.run((em) => em.count(House));
    const first = manager.evict('acme');
    const second = outcomeOf(manager.evict('acme'));
    await adminQuery('select 1');
    expect(second).toEqual({});
    lease.release();
    expect(await first).toBe(true);
    await until(async () => second.value !== undefined, 'the second eviction waits for ever');
    expect(second.value).toBe(false);
    await tenants.noSessions();
    await manager.close();
  });

  it('refuses a statement on a connection that was given back', async () => {
    const manager = await tenants.manager();
    const connections: { executeQuery(query: unknown): Promise<unknown> }[] = [];
    await manager.run('acme', (em) =>
      em
        .getKysely()
        .connection()
        .execute(async (db) => {
          await db.getExecutor().provideConnection(async (connection) => {
            connections.push(connection as never);
          });
        }),
    );
    const late = connections[0]?.executeQuery({ sql: 'select 1', parameters: [] });
    await expect(late).rejects.toThrow(LeaseReleasedError);
    await manager.close();
  });
});
