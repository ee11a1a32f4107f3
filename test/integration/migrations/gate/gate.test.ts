import { describe, expect, it } from '@jest/globals';
import { Migration } from '@mikro-orm/migrations';
import {
  StaticCatalog,
  type TenancyEvents,
  type Tenant,
  TenantBehindError,
  TenantDatabaseMissingError,
  type TenantOrmManagerOptions,
  type VersionGateOptions,
} from 'mikro-orm-multitenancy';
import pg from 'pg';
import { outcomeOf } from '../../../support/connections/BudgetWorld.ts';
import { adminQuery, createDatabase, dropDatabase, serverUrl, uniqueName } from '../../../support/databases.ts';
import { House, nextEvent, TestTenants, until } from '../../../support/manager/TestTenants.ts';
import { migrationsList, names } from '../../../support/migrations/migrations.ts';
import { runProgram } from '../../../support/runProgram.ts';

const virgin = { schema: '' };
const orm = { migrations: { migrationsList } };
const [first, second, last] = names as [string, string, string];

function gated(gate: Partial<VersionGateOptions>): Partial<TenantOrmManagerOptions> {
  return { orm, versionGate: { requires: 'latest', whenBehind: 'refuse', retryAfterMs: 1, ...gate } } as never;
}

const work = async (): Promise<string> => 'served';

async function sessionIn(database: string): Promise<pg.Client> {
  const url = new URL(serverUrl());
  url.pathname = database;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  return client;
}

/** A session that holds the lock of migrations in a database. */
async function lockHolder(database: string): Promise<pg.Client> {
  const client = await sessionIn(database);
  await client.query('select pg_advisory_lock(1836020845, 1)');
  return client;
}

describe('the version gate', () => {
  it('asks an open tenant once, however many come at once, and again when it is opened anew', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const manager = await tenants.manager(gated({}));
    await manager.migrator('acme').up();
    expect(await Promise.all(Array.from({ length: 10 }, () => manager.run('acme', work)))).toContain('served');
    expect(manager.stats().servers['default']?.requests).toMatchObject({ open: 1, idle: 1 });
    await adminQuery('drop table mikro_orm_migrations', [], tenants.databaseOf('acme'));
    expect(await manager.run('acme', work)).toBe('served');
    await manager.evict('acme');
    await expect(manager.run('acme', work)).rejects.toBeInstanceOf(TenantBehindError);
  });

  it('refuses a tenant that is behind by whichever way, holds no lease of it, and leaves its migrator alone', async () => {
    await using tenants = await TestTenants.create(['acme', 'globex'], virgin);
    const manager = await tenants.manager(gated({ requires: second, retryAfterMs: 2_500 }));
    await manager.migrator('globex').up({ to: second });
    await manager.migrator('acme').up({ to: first });
    await expect(manager.run('acme', work)).rejects.toMatchObject({
      code: 'TENANT_BEHIND',
      status: 503,
      retryAfterSeconds: 3,
      requires: second,
      tenantId: 'acme',
    });
    await expect(manager.acquire('acme')).rejects.toBeInstanceOf(TenantBehindError);
    const results = await manager.each(work);
    expect(results.map(({ tenantId, ok }) => [tenantId, ok])).toEqual([
      ['acme', false],
      ['globex', true],
    ]);
    expect(manager.stats().leases).toBe(0);
    expect(await manager.migrator('acme').getPending()).toHaveLength(2);
  });

  it('serves a tenant at once that this process has migrated, and refuses it at once when it is reverted', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const manager = await tenants.manager(gated({ retryAfterMs: 60_000 }));
    await expect(manager.run('acme', work)).rejects.toBeInstanceOf(TenantBehindError);
    await manager.migrator('acme').up();
    expect(await manager.run('acme', work)).toBe('served');
    const lease = await manager.acquire('acme');
    await manager.migrator('acme').down();
    await expect(manager.run('acme', work)).rejects.toMatchObject({ message: expect.stringContaining(last) });
    // Who is inside stays inside.
    expect(await lease.run(work)).toBe('served');
    lease.release();
  });

  it('serves a tenant that another process has migrated', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const manager = await tenants.manager(gated({}));
    await expect(manager.run('acme', work)).rejects.toBeInstanceOf(TenantBehindError);
    await runProgram('migrations/migrateProgram.ts', [serverUrl(), tenants.databaseOf('acme')]);
    expect(await manager.run('acme', work)).toBe('served');
  });

  it('serves a tenant that is ahead of the application', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    await (await tenants.manager({ orm })).migrator('acme').up();
    const older = await tenants.manager({
      ...gated({ whenBehind: 'migrate' }),
      orm: { migrations: { migrationsList: migrationsList.slice(0, 2) } },
    });
    expect(await older.run('acme', work)).toBe('served');
  });

  it('says once that a tenant is behind which is served', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const manager = await tenants.manager(gated({ whenBehind: 'serve' }));
    await manager.migrator('acme').up({ to: first });
    const told: TenancyEvents['tenant:behind'][] = [];
    manager.events.on('tenant:behind', (event) => told.push(event));
    for (let n = 0; n < 3; n += 1) {
      await Promise.all(Array.from({ length: 5 }, () => manager.run('acme', work)));
    }
    expect(told).toEqual([{ tenantId: 'acme', pending: [second, last], whenBehind: 'serve' }]);
  });

  it('migrates a virgin tenant on its first access, once for all callers of two processes', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const args = [serverUrl(), tenants.databaseOf('acme'), '4'];
    const outputs = await Promise.all([1, 2].map(() => runProgram('migrations/gateProgram.ts', args)));
    const results = outputs.map(({ stdout }) => JSON.parse(stdout) as { applied: string[]; found: number[] });
    expect(results.flatMap(({ applied }) => applied).sort()).toEqual(names);
    expect(results.flatMap(({ found }) => found)).toEqual([2, 2, 2, 2, 2, 2, 2, 2]);
    expect(outputs.map(({ stderr }) => stderr)).toEqual(['', '']);
  });

  it('migrates no further than what is required', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const manager = await tenants.manager(gated({ requires: second, whenBehind: 'migrate' }));
    expect(await manager.run('acme', work)).toBe('served');
    expect(await manager.migrator('acme').getPending()).toEqual([{ name: last }]);
  });

  it('migrates a tenant that may only read, whose requests still may only read', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const catalog = new StaticCatalog<Tenant>(tenants.tenants.map((tenant) => ({ ...tenant, status: 'readonly' })));
    const manager = await tenants.manager({ ...gated({ whenBehind: 'migrate' }), catalog });
    const count = manager.run('acme', (em) => em.execute('select count(*)::int from counter'));
    expect(await count).toEqual([{ count: 2 }]);
    await expect(manager.run('acme', (em) => em.execute('delete from counter'))).rejects.toMatchObject({
      code: 'TENANT_READ_ONLY',
    });
  });

  it('lets callers wait for a migration for their time, and serves those who come when it is done', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const manager = await tenants.manager(gated({ whenBehind: 'migrate', waitMs: 100 }));
    const holder = await lockHolder(tenants.databaseOf('acme'));
    const startedAt = performance.now();
    await expect(manager.run('acme', work)).rejects.toMatchObject({ code: 'TENANT_BEHIND', status: 503 });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(manager.stats().leases).toBe(0);
    const applied = nextEvent(manager, 'migration:applied');
    await holder.end();
    await applied;
    expect(await manager.run('acme', work)).toBe('served');
  });

  it('answers with the cause of a migration that failed, changes nothing, and serves other tenants', async () => {
    await using tenants = await TestTenants.create(['acme', 'globex'], virgin);
    class Migration004Broken extends Migration {
      override up(): void {
        this.addSql('create table half_done (id int)');
        this.addSql("do $$ begin if current_database() like '%acme%' then raise 'not here'; end if; end $$");
      }
    }
    const manager = await tenants.manager({
      ...gated({ whenBehind: 'migrate', retryAfterMs: 60_000 }),
      orm: { migrations: { migrationsList: [...migrationsList, Migration004Broken] } },
    });
    const failed: TenancyEvents['migration:failed'][] = [];
    manager.events.on('migration:failed', (event) => failed.push(event));
    for (let n = 0; n < 2; n += 1) {
      await expect(manager.run('acme', work)).rejects.toMatchObject({
        code: 'TENANT_BEHIND',
        cause: { message: expect.stringContaining('not here') },
      });
    }
    expect(failed.map(({ tenantId }) => tenantId)).toEqual(['acme']);
    expect(await manager.run('globex', work)).toBe('served');
    const half = "select 1 from pg_class where relname = 'half_done'";
    expect(await adminQuery(half, [], tenants.databaseOf('acme'))).toEqual([]);
  });

  it('does not let a migration wait for a lock behind which everybody waits', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    class Migration004Alters extends Migration {
      override up(): void {
        this.addSql('alter table counter add column more int');
      }
    }
    await (await tenants.manager({ orm })).migrator('acme').up();
    const manager = await tenants.manager({
      ...gated({ whenBehind: 'migrate' }),
      orm: { migrations: { migrationsList: [...migrationsList, Migration004Alters] } },
    });
    const reader = await sessionIn(tenants.databaseOf('acme'));
    await reader.query('begin; select count(*) from counter');
    await expect(manager.run('acme', work)).rejects.toMatchObject({ code: 'TENANT_BEHIND', cause: { code: '55P03' } });
    await reader.end();
    expect(await manager.run('acme', work)).toBe('served');
  });

  it('turns callers away who wait for a migration when the manager closes', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const manager = await tenants.manager(gated({ whenBehind: 'migrate' }));
    const holder = await lockHolder(tenants.databaseOf('acme'));
    const waiting = outcomeOf(manager.run('acme', work));
    const asking = 'select 1 from pg_stat_activity where datname = $1 and query like $2';
    await until(
      async () => (await adminQuery(asking, [tenants.databaseOf('acme'), '%pg_try_advisory_lock%'])).length > 0,
      'nobody migrates',
    );
    const startedAt = performance.now();
    await manager.close({ timeoutMs: 100 });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(waiting.error).toMatchObject({ code: 'MANAGER_CLOSED' });
    await holder.end();
  });

  it('lets a caller leave who has waited enough', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const manager = await tenants.manager(gated({ whenBehind: 'migrate' }));
    const holder = await lockHolder(tenants.databaseOf('acme'));
    const patience = new AbortController();
    const waiting = outcomeOf(manager.run('acme', work, { signal: patience.signal }));
    await until(async () => manager.stats().leases === 1, 'nobody waits');
    const reason = new Error('enough');
    patience.abort(reason);
    await until(async () => waiting.error !== undefined, 'the caller waits for ever');
    expect(waiting.error).toBe(reason);
    expect(manager.stats().leases).toBe(0);
    const applied = nextEvent(manager, 'migration:applied');
    await holder.end();
    await applied;
  });

  it('fails as opening does while the database is missing, and asks again', async () => {
    const database = uniqueName('gate_missing');
    await using tenants = await TestTenants.create([], virgin);
    const catalog = new StaticCatalog([{ id: 'acme', database }]);
    const manager = await tenants.manager({ ...gated({ whenBehind: 'migrate' }), catalog });
    await expect(manager.run('acme', work)).rejects.toBeInstanceOf(TenantDatabaseMissingError);
    await createDatabase(database);
    try {
      await until(
        async () =>
          manager.run('acme', work).then(
            () => true,
            () => false,
          ),
        'the tenant is not served',
      );
      await manager.close();
    } finally {
      await dropDatabase(database);
    }
  });

  it('fails as connections do while the server is down, for each tenant alike', async () => {
    await using tenants = await TestTenants.create([], virgin);
    const catalog = new StaticCatalog([{ id: 'acme', database: 'acme' }]);
    const manager = await tenants.manager({ ...gated({}), server: 'postgresql://app@127.0.0.1:1', catalog });
    await expect(manager.run('acme', work)).rejects.toMatchObject({ code: 'TENANT_CONNECTION_FAILED', status: 503 });
    expect(manager.stats().leases).toBe(0);
  });

  it('looks at another tenant than the one around it, outside of its transaction', async () => {
    await using tenants = await TestTenants.create(['acme', 'globex']);
    const manager = await tenants.manager(gated({ whenBehind: 'migrate' }));
    await manager.run('acme', (em) =>
      em.transactional(async (tx) => {
        tx.create(House, { address: 'Main Street 1' });
        await tx.flush();
        const found = await manager.run('globex', (other) => other.count(House));
        expect(found).toBe(0);
        expect(manager.current()?.id).toBe('acme');
        expect(await tx.count(House)).toBe(1);
      }),
    );
    expect(await manager.run('acme', (em) => em.count(House))).toBe(1);
    expect(await manager.migrator('globex').getPending()).toEqual([]);
  });

  it('is through a tenant’s own connections, of which one is enough', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const server = { url: serverUrl(), maxConnections: 2, reservedConnections: 1, maxConnectionsPerTenant: 1 };
    const manager = await tenants.manager({ ...gated({ whenBehind: 'migrate' }), server });
    const found = await Promise.all(
      Array.from({ length: 5 }, () => manager.run('acme', (em) => em.execute('select count(*)::int from counter'))),
    );
    expect(found).toEqual(Array.from({ length: 5 }, () => [{ count: 2 }]));
  });

  it('wants a migration that the application knows', async () => {
    await using tenants = await TestTenants.create([], virgin);
    const refused = (options: Partial<TenantOrmManagerOptions>) => expect(tenants.manager(options)).rejects;
    await refused(gated({ requires: 'Migration999' })).toThrow(
      `\`versionGate.requires\`: there is no migration "Migration999"; the newest one is "${last}".`,
    );
    await refused({ ...gated({}), orm: { migrations: { migrationsList: [] } } }).toThrow('knows no migrations');
    await refused(gated({ whenBehind: 'panic' as never })).toThrow('whenBehind');
    await refused(gated({ waitMs: 0 })).toThrow('waitMs');
  });
});
