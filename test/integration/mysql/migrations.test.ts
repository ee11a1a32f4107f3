import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { MigrationIncompleteError, TenantUnavailableError } from 'mikro-orm-multitenancy';
import { itMigrates, itMigratesAcrossProcesses, notes } from '../../support/kinds/migrationCases.ts';
import { describeWithMariaDb, MariaDb } from '../../support/mysql/MariaDb.ts';
import { MysqlWorld } from '../../support/mysql/MysqlWorld.ts';
import { Migration003Broken, migrationsList, names } from '../../support/mysql/migrations.ts';

const orm = { migrations: { migrationsList } };

describeWithMariaDb("a tenant's migrations on MariaDB", () => {
  let server: MariaDb;
  beforeAll(async () => {
    server = await MariaDb.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  itMigrates(migrationsList, (options) => MysqlWorld.create(server, options));
  itMigratesAcrossProcesses(migrationsList, (options) => MysqlWorld.create(server, options));

  it('are written down with the time that it was, whatever the zone of the sessions is', async () => {
    await using world = await MysqlWorld.create(server, {
      ids: ['acme'],
      isFilled: false,
      orm: { ...orm, timezone: '+05:00' },
    });
    await world.manager.migrator('acme').up();
    const [first] = await world.manager.migrator('acme').getExecuted();
    expect(Math.abs(Date.now() - Number(first?.executed_at))).toBeLessThan(60_000);
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
    expect(await world.rows('acme', "show tables like 'half'")).toHaveLength(1);
    await world.rows('acme', 'drop table half');
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
});
