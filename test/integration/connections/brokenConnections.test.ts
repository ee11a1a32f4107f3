import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import type { TenancyEvents } from 'mikro-orm-multitenancy';
import { StallingProxy } from '../../support/connections/StallingProxy.ts';
import { adminQuery, serverUrl } from '../../support/databases.ts';
import { House, TestTenants, until } from '../../support/manager/TestTenants.ts';

describe('a connection', () => {
  let tenants: TestTenants;
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme']);
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  async function watched(server: { maxConnectionsPerTenant?: number } = {}) {
    const manager = await tenants.manager({ server: { url: serverUrl(), ...server } });
    const tainted: TenancyEvents['connection:tainted'][] = [];
    const closed: string[] = [];
    manager.events.on('connection:tainted', (event) => tainted.push(event));
    manager.events.on('connection:closed', ({ reason }) => closed.push(reason));
    const pid = () =>
      manager.run(
        'acme',
        async (em) => (await em.execute<{ pid: number }[]>('select pg_backend_pid() as pid'))[0]?.pid,
      );
    const requests = () => manager.stats().servers['default']?.requests;
    return { manager, tainted, closed, pid, requests };
  }

  it('is used again by the next request when it came back clean', async () => {
    const { manager, tainted, pid } = await watched();
    expect(await pid()).toBe(await pid());
    expect(tainted).toEqual([]);
    await manager.close();
  });

  it.each([
    ['open', 'T', 'begin; select 1'],
    ['aborted', 'E', 'begin; select * from missing_table'],
  ])('that comes back inside an %s transaction is not used again', async (_what, transaction, statements) => {
    const { manager, tainted, closed, pid, requests } = await watched({ maxConnectionsPerTenant: 1 });
    const first = await pid();
    const work = manager.run('acme', (em) => em.execute(statements));
    await (transaction === 'T' ? work : expect(work).rejects.toThrow('missing_table'));
    expect(tainted).toEqual([{ tenantId: 'acme', server: 'default', transaction }]);
    expect(requests()).toMatchObject({ inUse: 0, idle: 0 });
    expect(await pid()).not.toBe(first);
    expect(closed).toEqual(['not reusable']);
    await manager.close();
  });

  it('that a failed statement left outside of a transaction is used again', async () => {
    const { manager, tainted, pid } = await watched({ maxConnectionsPerTenant: 1 });
    const first = await pid();
    for (const statement of ['select * from missing_table', 'select 1 / 0', 'begin; commit; select 1 / 0']) {
      await expect(manager.run('acme', (em) => em.execute(statement))).rejects.toThrow();
    }
    const duplicate = [1, 1].map((id) => ({ id, address: 'twice' }));
    await expect(manager.run('acme', (em) => em.insertMany(House, duplicate))).rejects.toThrow(/unique|duplicate/);
    expect(tainted).toEqual([]);
    expect(await pid()).toBe(first);
    await manager.close();
  });

  it('that is killed while it is idle is replaced, and no error event reaches the process', async () => {
    const { manager, closed, pid, requests } = await watched();
    const first = await pid();
    await adminQuery('select pg_terminate_backend($1)', [first]);
    await until(async () => requests()?.idle === 0, 'the pool keeps a dead connection');
    await until(async () => closed.length > 0, 'the dead connection is never closed');
    expect(closed).toEqual(['broken']);
    expect(await pid()).not.toBe(first);
    await manager.close();
  });

  it('that is killed under a query rejects that query, and the next one works', async () => {
    const { manager, tainted, pid, requests } = await watched();
    const running = manager.run('acme', (em) => em.execute('select pg_sleep(60), 7 as killed'));
    const failed = expect(running).rejects.toThrow(/terminat/);
    const find =
      "select pg_terminate_backend(pid) from pg_stat_activity where state = 'active' and query like 'select pg_sleep(60), 7%'";
    await until(async () => (await adminQuery(find)).length > 0, 'the query does not run');
    await failed;
    expect(tainted).toEqual([]);
    expect(await pid()).toBeDefined();
    await until(async () => requests()?.closing === 0, 'the dead connection is never closed');
    expect(requests()).toMatchObject({ inUse: 0, idle: 1 });
    await manager.close();
  });

  it('that is killed inside a transaction rejects what follows, and nothing of it is written', async () => {
    const { manager, requests } = await watched();
    const work = manager.run('acme', (em) =>
      em.transactional(async (tx) => {
        await tx.insert(House, { id: 900, address: 'half done' });
        const [row] = await tx.execute<{ pid: number }[]>('select pg_backend_pid() as pid');
        await adminQuery('select pg_terminate_backend($1)', [row?.pid]);
        await tx.insert(House, { id: 901, address: 'too late' });
      }),
    );
    await expect(work).rejects.toThrow();
    expect(await manager.run('acme', (em) => em.count(House, { id: { $gte: 900 } }))).toBe(0);
    await until(async () => requests()?.closing === 0, 'the dead connection is never closed');
    expect(requests()).toMatchObject({ inUse: 0, waiting: 0 });
    await manager.close();
  });

  it('that every request lost in a restart comes back, without one query failing after the server is back', async () => {
    const { manager, pid, requests } = await watched();
    await Promise.all([1, 2, 3, 4].map(() => manager.run('acme', (em) => em.execute('select pg_sleep(0.01)'))));
    expect(requests()?.idle).toBeGreaterThan(1);
    await adminQuery('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
      tenants.databaseOf('acme'),
    ]);
    await until(async () => requests()?.idle === 0, 'the pool keeps dead connections');
    const pids = await Promise.all([pid(), pid(), pid()]);
    expect(pids.every((one) => one !== undefined)).toBe(true);
    await manager.close();
  });

  it('that died while it idled, of which nobody heard, is replaced before anything is sent on it', async () => {
    await using proxy = await StallingProxy.start(serverUrl());
    const manager = await tenants.manager({ server: { url: proxy.url, checkAfterIdleMs: 1 } });
    const closed: string[] = [];
    manager.events.on('connection:closed', ({ reason }) => closed.push(reason));
    const work = () => manager.run('acme', (em) => em.execute('select pg_sleep(0.02)'));
    await Promise.all([work(), work()]);
    proxy.stallOpen();
    const idleSince = performance.now();
    await until(async () => performance.now() - idleSince > 2, 'time stands still');
    expect(await manager.run('acme', (em) => em.count(House))).toBe(0);
    await until(async () => closed.length === 2, 'the dead connections are never closed');
    expect(closed).toEqual(['broken', 'broken']);
    expect(manager.stats().servers['default']?.requests).toMatchObject({ idle: 1, inUse: 0, closing: 0 });
    await manager.close();
  });

  it('is given back when a stream of rows is left early', async () => {
    const { manager, tainted, requests } = await watched({ maxConnectionsPerTenant: 1 });
    await manager.run('acme', async (em) => {
      const rows = em
        .getKysely()
        .selectFrom('pg_class' as never)
        .selectAll()
        .stream(10);
      for await (const row of rows) {
        expect(row).toBeDefined();
        break;
      }
      expect(await em.count(House)).toBe(0);
    });
    expect(tainted).toEqual([]);
    expect(requests()).toMatchObject({ inUse: 0, idle: 1 });
    await manager.close();
  });

  it('is given back when a stream of rows fails, and when its connection is killed', async () => {
    const { manager, tainted, requests } = await watched({ maxConnectionsPerTenant: 1 });
    const read = (statement: string, meanwhile: () => Promise<unknown>) =>
      manager.run('acme', async (em) => {
        const rows = em.getKysely().selectNoFrom(sql.raw(statement).as('n')).stream(10);
        for await (const _row of rows) {
          await meanwhile();
        }
      });
    await expect(read('1 / (5 - generate_series(1, 100))', async () => {})).rejects.toThrow('division by zero');
    expect(requests()).toMatchObject({ inUse: 0, idle: 1 });
    const kill = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${tenants.databaseOf('acme')}'`;
    await expect(read('generate_series(1, 100)', () => adminQuery(kill))).rejects.toThrow(/terminat|closed|queryable/);
    await until(async () => requests()?.closing === 0, 'the dead connection is never closed');
    expect(requests()).toMatchObject({ inUse: 0 });
    expect(tainted).toEqual([]);
    await manager.close();
  });

  it('that is waited for under a signal is not lost when that is aborted', async () => {
    const { manager, requests } = await watched({ maxConnectionsPerTenant: 1 });
    const lease = await manager.acquire('acme');
    const held = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const holder = lease.run((em) =>
      em.transactional(async (tx) => {
        await tx.count(House);
        begun.resolve();
        await held.promise;
      }),
    );
    await begun.promise;
    const controller = new AbortController();
    const waiting = manager.run('acme', (em) => em.count(House), { signal: controller.signal });
    await until(async () => requests()?.waiting === 1, 'nobody waits');
    const left = expect(waiting).rejects.toThrow('the client is gone');
    controller.abort(new Error('the client is gone'));
    await left;
    held.resolve();
    await holder;
    expect(await manager.run('acme', (em) => em.count(House))).toBe(0);
    await until(async () => requests()?.inUse === 0, 'the connection is lost');
    lease.release();
    await manager.close();
  });
});
