import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CatalogUnavailableError, type TenancyEvents } from 'mikro-orm-multitenancy';
import pg from 'pg';
import { CatalogSession } from '../../../src/central/CatalogSession.ts';
import { checkServer } from '../../../src/connections/ServerOptions.ts';
import { CentralProxy } from '../../support/central/CentralProxy.ts';
import { CentralWorld } from '../../support/central/CentralWorld.ts';
import { TenantProcess } from '../../support/central/TenantProcess.ts';
import { serverUrl } from '../../support/databases.ts';
import { until } from '../../support/manager/TestTenants.ts';
import { runProgram } from '../../support/runProgram.ts';

const silent = { notify: false } as const;

describe('what changes in the catalogue', () => {
  let world: CentralWorld;
  beforeAll(async () => {
    world = await CentralWorld.create();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const session = (notify = false) =>
    new CatalogSession({ server: checkServer('central', serverUrl()), database: world.database, notify });
  const insert = (id: string) => `insert into tenancy_tenants (id, database_name) values ('${id}', '${id}')`;

  async function client(): Promise<pg.Client> {
    const url = new URL(serverUrl());
    url.pathname = world.database;
    const opened = new pg.Client({ connectionString: url.href });
    await opened.connect();
    return opened;
  }

  /**
   * A session that has given all that there is. A transaction of any database of the server holds the horizon back, so
   * that what was read as a whole may be given once more.
   */
  async function startedSession(): Promise<CatalogSession> {
    const reader = session();
    await reader.read();
    await reader.read();
    return reader;
  }

  it('is given once more at most where a transaction of another database holds the horizon back', async () => {
    const elsewhere = new pg.Client({ connectionString: new URL('/postgres', serverUrl()).href });
    await elsewhere.connect();
    await elsewhere.query('begin; select pg_current_xact_id()');
    await world.query(insert('held-back'));
    const reader = session();
    expect((await reader.read()).changes).toContainEqual({ id: 'held-back', domains: [] });
    expect((await reader.read()).changes).toContainEqual({ id: 'held-back', domains: [] });
    expect((await reader.read()).changes).toEqual([]);
    await world.query("update tenancy_tenants set status = 'suspended' where id = 'held-back'");
    expect((await reader.read()).changes).toEqual([{ id: 'held-back', domains: [] }]);
    await Promise.all([elsewhere.end(), reader.close()]);
  });

  it('is read although transactions commit in another order than they began', async () => {
    const reader = await startedSession();
    const [first, second] = [await client(), await client()];
    await first.query('begin');
    await first.query(insert('first'));
    await second.query('begin');
    await second.query(insert('second'));
    const numbers = await Promise.all(
      [first, second].map(async (one) => (await one.query('select pg_current_xact_id()::text as id')).rows[0].id),
    );
    expect(BigInt(numbers[0])).toBeLessThan(BigInt(numbers[1]));
    await second.query('commit');
    expect(await reader.read()).toEqual({ changes: [{ id: 'second', domains: [] }], isComplete: false });
    // Seen once only, although the first transaction holds the horizon back.
    expect((await reader.read()).changes).toEqual([]);
    await first.query('commit');
    expect((await reader.read()).changes).toEqual([{ id: 'first', domains: [] }]);
    expect((await reader.read()).changes).toEqual([]);
    await Promise.all([first.end(), second.end(), reader.close()]);
  });

  it('is read although a transaction with a lower number changes the same tenant later', async () => {
    await world.query(insert('both'));
    const reader = await startedSession();
    const [early, late] = [await client(), await client()];
    await early.query('begin');
    await early.query('select pg_current_xact_id()');
    await late.query("update tenancy_tenants set status = 'suspended' where id = 'both'");
    expect((await reader.read()).changes).toEqual([{ id: 'both', domains: [] }]);
    await early.query("update tenancy_tenants set status = 'active' where id = 'both'");
    await early.query('commit');
    expect((await reader.read()).changes).toEqual([{ id: 'both', domains: [] }]);
    await Promise.all([early.end(), late.end(), reader.close()]);
  });

  it('is read by a walk of writers that commit in any order, without a gap', async () => {
    const reader = session();
    const known = new Map<string, readonly string[] | undefined>();
    const read = async () => {
      const { changes } = await reader.read();
      for (const { id, domains } of changes) {
        known.set(id, domains);
      }
    };
    await read();
    const writers = Array.from({ length: 6 }, async (_, writer) => {
      const own = await client();
      for (let turn = 0; turn < 15; turn += 1) {
        await own.query('begin');
        await own.query(insert(`walk-${writer}-${turn}`));
        await own.query('select pg_sleep($1)', [Math.random() / 100]);
        if (turn > 3) {
          await own.query('delete from tenancy_tenants where id = $1', [`walk-${writer}-${turn - 3}`]);
        }
        await own.query(turn % 5 === 4 ? 'rollback' : 'commit');
      }
      await own.end();
    });
    let isDone = false;
    const done = Promise.all(writers).then(() => {
      isDone = true;
    });
    while (!isDone) {
      await read();
    }
    await done;
    await read();
    const rows = await world.query<{ id: string }>('select id from tenancy_tenants order by id');
    const present = [...known].filter(([, domains]) => domains !== undefined).map(([id]) => id);
    expect(present.sort()).toEqual(rows.map(({ id }) => id));
    await reader.close();
  });

  it('is read with the domains that lead to a tenant, and as a tombstone when the tenant is gone', async () => {
    await world.query(insert('domains'));
    const reader = await startedSession();
    await world.query(
      `insert into tenancy_domains (domain_name, tenant_id, verified_at)
         values ('a.com', 'domains', now()), ('b.com', 'domains', null)`,
    );
    expect((await reader.read()).changes).toEqual([{ id: 'domains', domains: ['a.com'] }]);
    await world.query("delete from tenancy_tenants where id = 'domains'");
    expect((await reader.read()).changes).toEqual([{ id: 'domains', domains: undefined }]);
    await world.query(
      "update tenancy_changes set deleted_at = now() - interval '25 hours' where tenant_id = 'domains'",
    );
    await world.query(insert('gone'));
    await world.query("delete from tenancy_tenants where id = 'gone'");
    const left = await world.query<{ tenant_id: string }>(
      'select tenant_id from tenancy_changes where deleted_at is not null',
    );
    expect(left.map(({ tenant_id }) => tenant_id)).not.toContain('domains');
    expect(left.map(({ tenant_id }) => tenant_id)).toContain('gone');
    await reader.close();
  });

  it('is read as a whole again behind a name that is another database now', async () => {
    await using other = await CentralWorld.create();
    await other.query(insert('before'));
    const reader = new CatalogSession({
      server: checkServer('central', serverUrl()),
      database: other.database,
      notify: false,
    });
    expect((await reader.read()).isComplete).toBe(true);
    expect((await reader.read()).isComplete).toBe(false);
    await other.recreate();
    await other.query(insert('after'));
    // The first one may find its session ended.
    expect(await reader.read().catch(() => reader.read())).toEqual({
      changes: [{ id: 'after', domains: [] }],
      isComplete: true,
    });
    await reader.close();
  });

  it('of one process holds in another within its poll interval and a second, without NOTIFY', async () => {
    const manager = await world.manager({ cache: silent });
    const database = await world.tenantDatabase('polled');
    await manager.central.tenants.create({ id: 'polled', database });
    await using other = await TenantProcess.start(world.database, 'polled', { pollIntervalMs: 300, ...silent });
    await other.says('active');
    let startedAt = performance.now();
    await manager.central.tenants.setStatus('polled', 'suspended');
    await other.says('TENANT_UNAVAILABLE');
    expect(performance.now() - startedAt).toBeLessThan(1_300);
    startedAt = performance.now();
    await manager.central.tenants.delete('polled');
    await other.says('TENANT_NOT_FOUND');
    expect(performance.now() - startedAt).toBeLessThan(1_300);
  });

  it('of one process holds in another within 200 ms, by NOTIFY', async () => {
    const manager = await world.manager();
    const database = await world.tenantDatabase('told');
    await manager.central.tenants.create({ id: 'told', database });
    await using other = await TenantProcess.start(world.database, 'told', { pollIntervalMs: 600_000 });
    await other.says('active');
    const took: number[] = [];
    for (const status of ['suspended', 'active', 'suspended', 'active', 'suspended', 'active', 'suspended'] as const) {
      const startedAt = performance.now();
      await manager.central.tenants.setStatus('told', status);
      await other.says(status === 'active' ? 'active' : 'TENANT_UNAVAILABLE');
      took.push(performance.now() - startedAt);
    }
    // The middle one: this machine has other things to do as well.
    expect(took.sort((one, another) => one - another)[3]).toBeLessThan(200);
  });

  it('is told in time again after the session that listens was ended from outside', async () => {
    const manager = await world.manager({ cache: { pollIntervalMs: 600_000 } });
    await world.query(insert('ended'));
    expect((await manager.catalog.find('ended'))?.status).toBe('active');
    const listening = "datname = current_database() and query ilike any (array['listen%', '%from tenancy%'])";
    await world.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where ${listening} and pid <> pg_backend_pid()`,
    );
    await world.query("update tenancy_tenants set status = 'suspended' where id = 'ended'");
    await until(
      async () => (await manager.catalog.find('ended'))?.status === 'suspended',
      'the change is not heard of',
    );
  });

  it('is not needed to serve known tenants while the database is down; a restart of it heals', async () => {
    await using proxy = await CentralProxy.start();
    const database = await world.tenantDatabase('served');
    await world.query('insert into tenancy_tenants (id, database_name) values ($1, $2), ($3, $4)', [
      ...['served', database],
      ...['unused', 'unused'],
    ]);
    const manager = await world.manager({
      url: proxy.url,
      cache: { pollIntervalMs: 50, positiveTtlMs: 1, negativeTtlMs: 50 },
    });
    const failed: TenancyEvents['catalog:failed'][] = [];
    manager.events.on('catalog:failed', (event) => failed.push(event));
    const served = () => manager.run('served', (_em, { status }) => status);
    expect(await served()).toBe('active');
    await proxy.down();
    await until(async () => failed.length > 0, 'nobody notices');
    for (let n = 0; n < 20; n += 1) {
      expect(await served()).toBe('active');
      await expect(manager.run('nobody', () => {})).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' });
    }
    await expect(manager.run('unused', () => {})).rejects.toThrow(CatalogUnavailableError);
    await world.query("update tenancy_tenants set status = 'suspended' where id = 'served'");
    expect(await served()).toBe('active');
    await proxy.up();
    await until(async () => (await served().catch(({ code }) => code)) === 'TENANT_UNAVAILABLE', 'it does not heal');
    expect((await manager.catalog.find('unused'))?.status).toBe('active');
  });

  it('is heard of by a session that keeps no process alive', async () => {
    await world.query(insert('left-open'));
    const startedAt = performance.now();
    const { stdout } = await runProgram('central/leftOpenProgram.ts', [serverUrl(), world.database, 'left-open']);
    expect(stdout).toBe('active\n');
    // The connections of the budget are closed once they are idle; those of this program are after a moment.
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});
