import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  MigrationIncompleteError,
  MigrationLockTimeoutError,
  type TenancyEvents,
  TenantClosedError,
  TenantUnavailableError,
} from 'mikro-orm-multitenancy';
import { until } from '../../support/manager/TestTenants.ts';
import { describeWithMariaDb, MariaDb } from '../../support/mysql/MariaDb.ts';
import { MysqlWorld } from '../../support/mysql/MysqlWorld.ts';
import { Migration003Broken, migrationsList, names } from '../../support/mysql/migrations.ts';
import { runProgram } from '../../support/runProgram.ts';

const orm = { migrations: { migrationsList } };
const notes = async (world: MysqlWorld, id: string) =>
  (await world.query<{ note: string }>(id, 'select note from counter order by id')).map(({ note }) => note);

describeWithMariaDb("a tenant's migrations on MariaDB", () => {
  let server: MariaDb;
  beforeAll(async () => {
    server = await MariaDb.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('are applied once by eight callers of one process', async () => {
    await using world = await MysqlWorld.create(server, { ids: ['acme'], orm, isFilled: false });
    const applied: TenancyEvents['migration:applied'][] = [];
    world.manager.events.on('migration:applied', (event) => applied.push(event));
    expect((await world.manager.migrator('acme').getPending()).map(({ name }) => name)).toEqual(names);
    expect(await world.manager.migrator('acme').getExecuted()).toEqual([]);
    const results = await Promise.all(Array.from({ length: 8 }, () => world.manager.migrator('acme').up()));
    expect(results.map((done) => done.length)).toEqual([2, 0, 0, 0, 0, 0, 0, 0]);
    expect(await notes(world, 'acme')).toEqual(['applied']);
    expect(applied).toEqual([{ tenantId: 'acme', migrations: names, tookMs: expect.any(Number) }]);
    expect(await world.manager.migrator('acme').getPending()).toEqual([]);
    const executed = await world.manager.migrator('acme').getExecuted();
    expect(executed.map(({ name }) => name)).toEqual(names);
    expect(Math.abs(Date.now() - Number(executed[0]?.executed_at))).toBeLessThan(60_000);
    await world.assertNothingHeld();
  });

  it('are applied once by several processes, each with several callers', async () => {
    await using world = await MysqlWorld.create(server, { ids: ['acme'], orm, isFilled: false });
    const program = ['MySQL', server.urlOf(), world.databaseOf('acme'), '3'];
    const outputs = await Promise.all([1, 2].map(() => runProgram('files/migrateProgram.ts', program)));
    expect(outputs.flatMap(({ stdout }) => JSON.parse(stdout) as string[]).sort()).toEqual(names);
    expect(await notes(world, 'acme')).toEqual(['applied']);
  });

  it('wait for the lock of another process as long as they may, and have it once that was killed', async () => {
    await using world = await MysqlWorld.create(server, {
      ids: ['acme', 'globex'],
      orm,
      isFilled: false,
      manager: { migrationLockTimeoutMs: 200 },
    });
    const support = join(import.meta.dirname, '../../support');
    const other = spawn(
      process.execPath,
      [
        ...['--disable-warning=ExperimentalWarning', '--import', join(support, 'resolveSource.mjs')],
        ...[join(support, 'files/migrateProgram.ts'), 'MySQL', server.urlOf(), world.databaseOf('acme'), 'hold'],
      ],
      { env: { ...process.env, NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    try {
      await once(other.stdout, 'data');
      await expect(world.manager.migrator('acme').up()).rejects.toThrow(MigrationLockTimeoutError);
      // The lock is of the one database, although the server has one name for it.
      expect(await world.manager.migrator('globex').up()).toHaveLength(2);
      const patient = await world.another({ orm });
      const waiting = expect(patient.migrator('acme').up()).rejects.toThrow(TenantClosedError);
      await until(async () => patient.stats().servers['default']?.reserved.inUse === 1, 'nobody waits');
      await patient.close({ timeoutMs: 0 });
      await waiting;
      expect(await world.manager.migrator('acme').getPending()).toHaveLength(2);
    } finally {
      other.kill('SIGKILL');
      await once(other, 'exit');
    }
    await until(
      () =>
        world.manager
          .migrator('acme')
          .up()
          .then(
            (done) => done.length === 2,
            () => false,
          ),
      'the lock of a process that is gone is kept',
    );
    expect(await notes(world, 'acme')).toEqual(['applied']);
  });

  it('that fail leave what the server has committed, and say so; down() takes back what was applied', async () => {
    await using world = await MysqlWorld.create(server, {
      ids: ['acme', 'globex'],
      isFilled: false,
      orm: { migrations: { migrationsList: [...migrationsList, Migration003Broken] } },
    });
    const failed = world.manager.migrator('acme').up();
    await expect(failed).rejects.toThrow(MigrationIncompleteError);
    await expect(failed).rejects.toThrow('missing_table');
    await expect(failed).rejects.toThrow('is not undone');
    expect(await world.query('acme', "show tables like 'half'")).toHaveLength(1);
    await world.query('acme', 'drop table half');
    expect(await world.manager.migrator('globex').up({ to: names[1] as string })).toHaveLength(2);
    expect((await world.manager.migrator('globex').down()).map(({ name }) => name)).toEqual([names[1]]);
    expect(await notes(world, 'globex')).toEqual([]);
    await world.assertNothingHeld();
  });

  it('of all tenants are applied by each(), no more at a time than the reserve has room for', async () => {
    const ids = ['a', 'b', 'c', 'd'];
    await using world = await MysqlWorld.create(server, {
      ids,
      orm,
      isFilled: false,
      databases: { maxConnections: 5, reservedConnections: 3 },
    });
    const results = await world.manager.each((_em, { id }) => world.manager.migrator(id).up());
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true, true]);
    expect(await Promise.all(ids.map((id) => notes(world, id)))).toEqual(ids.map(() => ['applied']));
  });

  it('run while requests have every connection of theirs, and refuse an archived tenant', async () => {
    await using world = await MysqlWorld.create(server, {
      ids: ['acme'],
      orm,
      isFilled: false,
      databases: { maxConnections: 3, reservedConnections: 2 },
    });
    await world.manager.run('acme', (em) =>
      em.transactional(async (inner) => {
        await inner.execute('select 1');
        expect(await world.manager.migrator('acme').up()).toHaveLength(2);
      }),
    );
    world.setStatus('acme', 'archived');
    await expect(world.manager.migrator('acme').up()).rejects.toThrow(TenantUnavailableError);
  });

  it('keep requests away, or are applied on access, as versionGate says', async () => {
    const gated = (whenBehind: 'refuse' | 'migrate') =>
      MysqlWorld.create(server, {
        ids: ['acme'],
        orm,
        isFilled: false,
        manager: { versionGate: { requires: 'latest', whenBehind } },
      });
    await using refusing = await gated('refuse');
    await expect(refusing.manager.run('acme', () => 1)).rejects.toMatchObject({ code: 'TENANT_BEHIND' });
    await refusing.manager.migrator('acme').up();
    expect(await refusing.manager.run('acme', () => 1)).toBe(1);
    await using migrating = await gated('migrate');
    await Promise.all([1, 2, 3].map(() => migrating.manager.run('acme', (em) => em.execute('select * from counter'))));
    expect(await notes(migrating, 'acme')).toEqual(['applied']);
  });
});
