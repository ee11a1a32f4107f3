import { describe, expect, it } from '@jest/globals';
import { TenantDatabaseMissingError } from 'mikro-orm-multitenancy';
import { CATALOG_MIGRATIONS } from '../../../src/central/migrations/index.ts';
import { CentralWorld } from '../../support/central/CentralWorld.ts';
import { Plan } from '../../support/central/customers.ts';
import { adminQuery, dropDatabase, serverUrl, uniqueName } from '../../support/databases.ts';
import { runProgram } from '../../support/runProgram.ts';

const OWN = CATALOG_MIGRATIONS.map(({ name }) => name);

describe('the migrations of the central database', () => {
  it('are applied once by eight callers on a virgin database, the catalogue’s before the application’s', async () => {
    await using world = await CentralWorld.create({ isMigrated: false });
    const manager = await world.manager();
    const results = await Promise.all(Array.from({ length: 8 }, () => manager.central.migrate()));
    const applied = results.flat().map(({ name }) => name);
    expect(applied).toEqual([...OWN, 'PlanMigration']);
    expect(await world.query('select name from tenancy_migrations order by id')).toEqual(OWN.map((name) => ({ name })));
    expect(await world.query('select name from mikro_orm_migrations')).toEqual([{ name: 'PlanMigration' }]);
    expect(await manager.central.migrator.getPending()).toEqual([]);
  });

  it('are applied once by eight processes, which create the database when asked to', async () => {
    const database = uniqueName('central');
    try {
      const programs = Array.from({ length: 8 }, () =>
        runProgram('central/migrateProgram.ts', [serverUrl(), database]),
      );
      const outputs = await Promise.all(programs);
      const applied = outputs.flatMap(({ stdout }) => JSON.parse(stdout) as string[]);
      expect(applied.sort()).toEqual([...OWN, 'PlanMigration']);
    } finally {
      await dropDatabase(database);
    }
  });

  it('create no database on the way', async () => {
    await using world = await CentralWorld.create({ isMigrated: false });
    const database = uniqueName('central_missing');
    const manager = await world.manager({ database });
    await expect(manager.central.migrate()).rejects.toThrow(TenantDatabaseMissingError);
    await expect(manager.central.run((em) => em.count(Plan))).rejects.toThrow(TenantDatabaseMissingError);
    await expect(manager.run('acme', () => {})).rejects.toMatchObject({ code: 'CATALOG_UNAVAILABLE', status: 503 });
    expect(await adminQuery('select 1 from pg_database where datname = $1', [database])).toEqual([]);
  });

  it('are missed with a sentence that says what to do', async () => {
    await using world = await CentralWorld.create({ isMigrated: false });
    const manager = await world.manager();
    await expect(manager.run('acme', () => {})).rejects.toThrow(
      /tables are not there; run `manager.central.migrate\(\)`/,
    );
  });

  it('can be undone', async () => {
    await using world = await CentralWorld.create({ isMigrated: false });
    const manager = await world.managerOf({});
    expect((await manager.central.migrate()).map(({ name }) => name)).toEqual(OWN);
    for (const { class: Own } of CATALOG_MIGRATIONS.toReversed()) {
      const down: string[] = [];
      const migration = Object.assign(Object.create(Own.prototype), { addSql: (sql: string) => down.push(sql) });
      migration.down();
      await world.query(down.join(';'));
    }
    const tables = "select tablename from pg_tables where schemaname = 'public' and tablename <> 'tenancy_migrations'";
    expect(await world.query(tables)).toEqual([]);
    expect(await world.query("select proname from pg_proc where proname like 'tenancy%'")).toEqual([]);
  });
});
