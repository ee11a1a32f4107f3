import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { EntitySchema, MetadataStorage } from '@mikro-orm/core';
import { Migration, Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import { StaticCatalog, type Tenant, type TenantStatus } from 'mikro-orm-multitenancy';
import { adminQuery, serverUrl } from '../../support/databases.ts';
import { House, TestTenants } from '../../support/manager/TestTenants.ts';
import {
  Migration004Broken,
  Migration005Concurrently,
  migrationsList,
  names,
} from '../../support/migrations/migrations.ts';
import { runProgram } from '../../support/runProgram.ts';

const FILES = join(import.meta.dirname, '../../support/migrations/files');
const STATUS_POLLS = Number(process.env['STATUS_POLLS'] ?? 100);
const virgin = { schema: '' };
const tables = async (database: string) =>
  (
    await adminQuery<{ name: string }>(
      "select nspname || '.' || relname as name from pg_class c join pg_namespace n on n.oid = relnamespace " +
        "where relkind = 'r' and nspname not in ('pg_catalog', 'information_schema') order by 1",
      [],
      database,
    )
  ).map(({ name }) => name);

describe('the migrator of a tenant', () => {
  it('goes to a migration, back by one, back to the first, and tells what is applied and pending', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const manager = await tenants.manager({ orm: { migrations: { migrationsList } } });
    const migrator = manager.migrator('acme');
    const reverted: (readonly string[])[] = [];
    manager.events.on('migration:reverted', ({ migrations }) => reverted.push(migrations));
    const state = async () => [
      (await migrator.getExecuted()).map(({ name }) => name),
      (await migrator.getPending()).map(({ name }) => name),
    ];
    expect(await state()).toEqual([[], names]);
    expect((await migrator.up({ to: names[1] as string })).map(({ name }) => name)).toEqual(names.slice(0, 2));
    expect(await state()).toEqual([names.slice(0, 2), names.slice(2)]);
    expect((await migrator.up(names[2])).map(({ name }) => name)).toEqual(names.slice(2));
    expect(await state()).toEqual([names, []]);
    expect((await migrator.down()).map(({ name }) => name)).toEqual(names.slice(2));
    expect((await migrator.down({ to: 0 })).map(({ name }) => name)).toEqual([names[1], names[0]]);
    expect(reverted).toEqual([[names[2]], [names[1], names[0]]]);
    expect(await state()).toEqual([[], names]);
    expect(await tables(tenants.databaseOf('acme'))).toEqual(['public.mikro_orm_migrations']);
  });

  it.each([
    ['the defaults', { migrationsList }],
    ['a table of its own', { migrationsList, tableName: 'My Migrations' }],
    ['a schema in the name of the table', { migrationsList, tableName: 'ops.migrations' }],
    ['a schema', { migrationsList, schema: 'ops' }],
    ['named migrations', { migrationsList: migrationsList.map((of, n) => ({ name: `${n}_migration.ts`, class: of })) }],
    ['files', { path: FILES, glob: '*.ts' }],
  ])('answers as MikroORM’s own migrator does on the same database, with %s', async (_what, migrations) => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const manager = await tenants.manager({ orm: { migrations } });
    const own = await MikroORM.init({
      clientUrl: serverUrl(),
      dbName: tenants.databaseOf('acme'),
      entities: [House],
      extensions: [Migrator],
      migrations: { snapshot: false, silent: true, ...migrations },
    });
    const migrator = manager.migrator('acme');
    try {
      expect(await migrator.getPending()).toEqual(await own.migrator.getPending());
      const [first] = await own.migrator.getPending();
      await migrator.up({ to: first?.name as string });
      expect(await migrator.getExecuted()).toEqual(await own.migrator.getExecuted());
      expect(await migrator.getPending()).toEqual(await own.migrator.getPending());
      await own.migrator.up();
      expect(await migrator.getExecuted()).toEqual(await own.migrator.getExecuted());
      expect(await migrator.getPending()).toEqual([]);
    } finally {
      await own.close();
    }
  });

  it('leaves nothing of a migration that fails, frees the lock, and goes on when the migration is mended', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const broken = await tenants.manager({
      orm: { migrations: { migrationsList: [...migrationsList, Migration004Broken] } },
    });
    await broken.migrator('acme').up({ to: names[2] as string });
    const before = await tables(tenants.databaseOf('acme'));
    for (let n = 0; n < 2; n += 1) {
      await expect(broken.migrator('acme').up()).rejects.toThrow('missing_table');
    }
    expect(await tables(tenants.databaseOf('acme'))).toEqual(before);
    expect(await broken.migrator('acme').getPending()).toEqual([{ name: 'Migration004Broken' }]);
    const locks = `select 1 from pg_locks where locktype = 'advisory'
      and database = (select oid from pg_database where datname = $1)`;
    expect(await adminQuery(locks, [tenants.databaseOf('acme')])).toEqual([]);
    expect(await adminQuery("select 1 from counter where note = 'half done'", [], tenants.databaseOf('acme'))).toEqual(
      [],
    );
    class Migration004Mended extends Migration {
      override up(): void {
        this.addSql("insert into counter (note) values ('mended')");
      }
    }
    const mended = await tenants.manager({
      orm: { migrations: { migrationsList: [...migrationsList, Migration004Mended] } },
    });
    expect(await mended.migrator('acme').up()).toEqual([{ name: 'Migration004Mended' }]);
  });

  it('runs a migration that no transaction may hold, in several tenants at once', async () => {
    await using tenants = await TestTenants.create(['a', 'b', 'c'], virgin);
    const server = { url: serverUrl(), acquireTimeoutMs: 500 };
    const migrations = { migrationsList: [...migrationsList, Migration005Concurrently] };
    const manager = await tenants.manager({ server, orm: { migrations } });
    const ids = tenants.tenants.map(({ id }) => id);
    await Promise.all(ids.map((id) => manager.migrator(id).up({ to: names[2] as string })));
    const done = await Promise.all(ids.map((id) => manager.migrator(id).up()));
    expect(done).toEqual(ids.map(() => [{ name: 'Migration005Concurrently' }]));
    const index = "select indisvalid from pg_index where indexrelid = 'counter_note'::regclass";
    expect(await adminQuery(index, [], tenants.databaseOf('b'))).toEqual([{ indisvalid: true }]);
  });

  it('gives a statement outside of the migration’s transaction a connection of its own', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const seen: unknown[] = [];
    class Inquiring extends Migration {
      override async up(): Promise<void> {
        const sql = 'select pg_backend_pid() as pid, current_database() as name';
        const inside = await this.execute(sql);
        const outside = await this.driver.execute(sql);
        seen.push(inside, outside);
      }
    }
    const manager = await tenants.manager({ orm: { migrations: { migrationsList: [Inquiring] } } });
    await manager.migrator('acme').up();
    const [[inside], [outside]] = seen as [{ pid: number; name: string }[], { pid: number; name: string }[]];
    expect(inside?.pid).not.toBe(outside?.pid);
    expect([inside?.name, outside?.name]).toEqual([tenants.databaseOf('acme'), tenants.databaseOf('acme')]);
  });

  it('uses no more than one session for a migration inside its transaction', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const server = { url: serverUrl(), maxConnections: 2, reservedConnections: 1, acquireTimeoutMs: 300 };
    const manager = await tenants.manager({ server, orm: { migrations: { migrationsList } } });
    let opened = 0;
    manager.events.on('connection:opened', () => {
      opened += 1;
    });
    expect(await manager.migrator('acme').up()).toHaveLength(3);
    expect(opened).toBe(1);
  });

  it('applies migration files of a folder, and writes none', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const migrations = { path: FILES, glob: '*.ts', snapshot: true } as const;
    const manager = await tenants.manager({ orm: { migrations } });
    const before = globSync('**/*', { cwd: FILES });
    const done = await manager.migrator('acme').up();
    expect(done).toEqual(
      ['Migration20260101000000', 'Migration20260102000000'].map((name) => ({
        name,
        path: expect.stringContaining(name),
      })),
    );
    expect(globSync('**/*', { cwd: FILES })).toEqual(before);
    expect(existsSync(join(FILES, `.snapshot-${tenants.databaseOf('acme')}.json`))).toBe(false);
  });

  it('prints nothing', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const args = [serverUrl(), tenants.databaseOf('acme')];
    const { stdout, stderr } = await runProgram('migrations/migrateProgram.ts', args);
    expect(stdout).toBe(`${JSON.stringify(names)}\n`);
    expect(stderr).toBe('');
  });

  it('may be asked again and again without a trace in MikroORM’s global registries', async () => {
    const registered = (): number => EntitySchema.REGISTRY.size + Object.keys(MetadataStorage.getMetadata()).length;
    await using tenants = await TestTenants.create(['acme'], virgin);
    const manager = await tenants.manager({ orm: { migrations: { migrationsList } } });
    const migrator = manager.migrator('acme');
    await migrator.up({ to: names[0] as string });
    await migrator.getPending();
    const before = registered();
    for (let n = 0; n < STATUS_POLLS; n += 50) {
      await Promise.all(Array.from({ length: 50 }, () => migrator.getPending()));
    }
    expect(await migrator.getPending()).toHaveLength(2);
    expect(registered()).toBe(before);
    // MikroORM's own leaves one entry for every call, which is what is looked for here.
    await using own = await MikroORM.init({
      clientUrl: serverUrl(),
      dbName: tenants.databaseOf('acme'),
      entities: [House],
      extensions: [Migrator],
      migrations: { snapshot: false, silent: true, migrationsList },
    });
    const withOwn = registered();
    await own.migrator.getPending();
    await own.migrator.getPending();
    expect(registered()).toBeGreaterThanOrEqual(withOwn + 2);
    expect(manager.stats().servers['default']?.reserved).toMatchObject({ inUse: 0, idle: 0, waiting: 0 });
  });

  it('migrates one tenant after the other without a trace in MikroORM’s global registries', async () => {
    const ids = ['acme', 'globex', 'initech', 'umbrella'];
    await using tenants = await TestTenants.create(ids, virgin);
    const manager = await tenants.manager({ orm: { migrations: { migrationsList } } });
    await manager.migrator('acme').up();
    const before = EntitySchema.REGISTRY.size;
    for (const id of ids.slice(1)) {
      expect(await manager.migrator(id).up()).toHaveLength(names.length);
    }
    expect((await manager.migrator('globex').down({ to: 0 })).length).toBe(names.length);
    expect((await manager.migrator('globex').getExecuted()).length).toBe(0);
    expect((await manager.migrator('initech').getExecuted()).map(({ name }) => name)).toEqual(names);
    expect(EntitySchema.REGISTRY.size).toBe(before);
  });

  it('serves tenants that take no work, but for those whose database is archived or about to be dropped', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const answers: Record<string, string> = {};
    const statuses: TenantStatus[] = [
      'provisioning',
      'active',
      'readonly',
      'suspended',
      'maintenance',
      'failed',
      'archived',
      'dropping',
    ];
    for (const status of statuses) {
      const catalog = new StaticCatalog<Tenant>(tenants.tenants.map((tenant) => ({ ...tenant, status })));
      const migrator = (await tenants.manager({ catalog, orm: { migrations: { migrationsList } } })).migrator('acme');
      const calls = [migrator.up(), migrator.down(), migrator.getPending(), migrator.getExecuted()];
      const outcomes = await Promise.allSettled(calls);
      answers[status] = [
        ...new Set(outcomes.map((one) => (one.status === 'fulfilled' ? 'served' : one.reason.code))),
      ].join();
    }
    const served = Object.fromEntries(statuses.slice(0, 6).map((status) => [status, 'served']));
    expect(answers).toEqual({ ...served, archived: 'TENANT_UNAVAILABLE', dropping: 'TENANT_UNAVAILABLE' });
  });

  it('works where tenants do not share their metadata', async () => {
    await using tenants = await TestTenants.create(['acme'], virgin);
    const manager = await tenants.manager({
      shareMetadata: false,
      warn: () => {},
      orm: { migrations: { migrationsList } },
    });
    expect(await manager.migrator('acme').up()).toHaveLength(3);
    expect(await manager.migrator('acme').getPending()).toEqual([]);
  });

  it('does not touch the open ORM of the tenant, whose requests go on meanwhile', async () => {
    await using tenants = await TestTenants.create(['acme']);
    const manager = await tenants.manager({ orm: { migrations: { migrationsList } } });
    await manager.run('acme', async (em) => {
      const migrated = manager.migrator('acme').up();
      await em.transactional(async (tx) => {
        expect(await tx.count(House)).toBe(0);
        expect(await migrated).toHaveLength(3);
        expect(await tx.count(House)).toBe(0);
      });
    });
    expect(manager.stats().handles.open).toBe(1);
  });
});
