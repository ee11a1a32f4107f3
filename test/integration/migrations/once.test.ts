import { describe, expect, it } from '@jest/globals';
import { Migration } from '@mikro-orm/migrations';
import { MigrationLockTimeoutError, type TenancyEvents, TenantClosedError } from 'mikro-orm-multitenancy';
import pg from 'pg';
import { outcomeOf } from '../../support/connections/BudgetWorld.ts';
import { adminQuery, serverUrl } from '../../support/databases.ts';
import { assertClosed, TestTenants, until } from '../../support/manager/TestTenants.ts';
import { migrationsList, names } from '../../support/migrations/migrations.ts';
import { runProgram } from '../../support/runProgram.ts';

const orm = { migrations: { migrationsList } };
const virgin = { schema: '' };
const notes = async (database: string) =>
  (await adminQuery<{ note: string }>('select note from counter order by id', [], database)).map(({ note }) => note);

describe('a migration', () => {
  it('is applied once by eight callers of one process on a virgin database', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const manager = await tenants.manager({ orm });
    const applied: TenancyEvents['migration:applied'][] = [];
    manager.events.on('migration:applied', (event) => applied.push(event));
    const results = await Promise.all(Array.from({ length: 8 }, () => manager.migrator('acme').up()));
    expect(results.map((done) => done.map(({ name }) => name))).toEqual([
      names,
      ...Array.from({ length: 7 }, () => []),
    ]);
    expect(await notes(tenants.databaseOf('acme'))).toEqual(['applied', 'more']);
    expect(applied).toEqual([{ tenantId: 'acme', migrations: names, tookMs: expect.any(Number) }]);
    expect(manager.stats().servers['default']?.reserved).toMatchObject({
      opening: 0,
      idle: 0,
      inUse: 0,
      closing: 0,
      waiting: 0,
    });
  });

  it('is applied once by several processes, each with several callers, on a virgin database', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const args = [serverUrl(), tenants.databaseOf('acme'), '3'];
    const outputs = await Promise.all([1, 2, 3].map(() => runProgram('migrations/migrateProgram.ts', args)));
    expect(outputs.flatMap(({ stdout }) => JSON.parse(stdout) as string[]).sort()).toEqual(names);
    expect(outputs.map(({ stderr }) => stderr)).toEqual(['', '', '']);
    expect(await notes(tenants.databaseOf('acme'))).toEqual(['applied', 'more']);
  });

  it('needs nothing of the connections of requests', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const server = { url: serverUrl(), maxConnections: 3, maxConnectionsPerTenant: 1, acquireTimeoutMs: 300 };
    const manager = await tenants.manager({ orm, server });
    const lease = await manager.acquire('acme');
    const held = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const holder = lease.run((em) =>
      em.transactional(async (tx) => {
        await tx.execute('select 1');
        begun.resolve();
        await held.promise;
      }),
    );
    await begun.promise;
    await expect(lease.run((em) => em.execute('select 1'))).rejects.toMatchObject({
      code: 'CONNECTION_BUDGET_EXCEEDED',
    });
    expect(await manager.migrator('acme').getPending()).toHaveLength(3);
    expect(await manager.migrator('acme').up()).toHaveLength(3);
    held.resolve();
    await holder;
    lease.release();
  });

  it('waits for its turn where more tenants are migrated than there are connections for it', async () => {
    await using tenants = await TestTenants.create(['a', 'b', 'c', 'd'], virgin);
    const server = { url: serverUrl(), acquireTimeoutMs: 100 };
    const manager = await tenants.manager({ orm, server });
    const results = await Promise.all(tenants.tenants.map(({ id }) => manager.migrator(id).up()));
    expect(results.map((done) => done.length)).toEqual([3, 3, 3, 3]);
  });

  it('is refused after the time for its lock while another session holds that, and is applied once that is free', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const manager = await tenants.manager({ orm, migrationLockTimeoutMs: 200 });
    const url = new URL(serverUrl());
    url.pathname = tenants.databaseOf('acme');
    const other = new pg.Client({ connectionString: url.href });
    await other.connect();
    await other.query('select pg_advisory_lock(1836020845, 1)');
    const startedAt = performance.now();
    const refused = manager.migrator('acme').up();
    await expect(refused).rejects.toThrow(MigrationLockTimeoutError);
    await expect(refused).rejects.toMatchObject({ code: 'MIGRATION_LOCK_TIMEOUT', tenantId: 'acme' });
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    // What only reads takes no lock.
    expect(await manager.migrator('acme').getPending()).toHaveLength(3);
    await other.end();
    expect(await manager.migrator('acme').up()).toHaveLength(3);
  });

  it('does not keep the manager from closing while it runs, and is undone as a whole', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    class Endless extends Migration {
      override up(): void {
        this.addSql('create table half_done (id int)');
        this.addSql('select pg_sleep(60), 3 as endless');
      }
    }
    const manager = await tenants.manager({ orm: { migrations: { migrationsList: [...migrationsList, Endless] } } });
    const running = outcomeOf(manager.migrator('acme').up());
    const queued = outcomeOf(manager.migrator('acme').up());
    const active = "select pid from pg_stat_activity where state = 'active' and query like 'select pg_sleep(60), 3%'";
    await until(async () => (await adminQuery(active)).length === 1, 'the migration does not run');
    const startedAt = performance.now();
    await manager.close({ timeoutMs: 100 });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    await until(async () => running.error !== undefined && queued.error !== undefined, 'a caller waits for ever');
    expect(queued.error).toMatchObject({ code: 'MANAGER_CLOSED' });
    assertClosed(manager);
    await adminQuery(active.replace('select pid', 'select pg_terminate_backend(pid)'));
    await tenants.noSessions();
    const tables = await adminQuery(
      "select relname from pg_class where relname in ('half_done', 'counter')",
      [],
      tenants.databaseOf('acme'),
    );
    expect(tables).toEqual([]);
  });

  it('that waits for its lock does not keep the manager from closing', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const manager = await tenants.manager({ orm });
    const other = await tenants.manager({ orm });
    const url = new URL(serverUrl());
    url.pathname = tenants.databaseOf('acme');
    const holder = new pg.Client({ connectionString: url.href });
    await holder.connect();
    await holder.query('select pg_advisory_lock(1836020845, 1)');
    const waiting = outcomeOf(manager.migrator('acme').up());
    const asking = 'select 1 from pg_stat_activity where datname = $1 and query like $2';
    await until(
      async () => (await adminQuery(asking, [tenants.databaseOf('acme'), '%pg_try_advisory_lock%'])).length > 0,
      'nobody asks',
    );
    await manager.close({ timeoutMs: 50 });
    await until(async () => waiting.error !== undefined, 'the caller waits for ever');
    expect(waiting.error).toBeInstanceOf(TenantClosedError);
    await holder.end();
    expect(await other.migrator('acme').up()).toHaveLength(3);
  });
});
