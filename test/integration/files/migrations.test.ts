import { describe, expect, it } from '@jest/globals';
import { TenantUnavailableError } from 'mikro-orm-multitenancy';
import { KINDS } from '../../support/files/kinds.ts';
import { Migration003Broken, migrationsList, names } from '../../support/files/migrations.ts';
import { SqliteWorld } from '../../support/files/SqliteWorld.ts';
import { itMigrates, itMigratesAcrossProcesses, notes } from '../../support/kinds/migrationCases.ts';

const orm = { migrations: { migrationsList } };

describe.each(KINDS)("%s: a tenant's migrations", (_name, kind) => {
  itMigrates(migrationsList, (options) => SqliteWorld.create({ kind, ...options }));
  itMigratesAcrossProcesses(migrationsList, (options) => SqliteWorld.create({ kind, ...options }));

  it('are undone as a whole when one fails, and taken back by down()', async () => {
    await using world = await SqliteWorld.create({
      kind,
      ids: ['acme', 'globex'],
      isFilled: false,
      orm: { migrations: { migrationsList: [...migrationsList, Migration003Broken] } },
    });
    await expect(world.manager.migrator('acme').up()).rejects.toThrow('missing_table');
    expect(await world.manager.migrator('acme').getExecuted()).toEqual([]);
    expect(await world.manager.migrator('acme').up({ to: names[1] as string })).toHaveLength(2);
    expect((await world.manager.migrator('acme').down()).map(({ name }) => name)).toEqual([names[1]]);
    expect(await notes(world, 'acme')).toEqual([]);
    // The other one has nothing of it.
    expect(await world.manager.migrator('globex').getExecuted()).toEqual([]);
    world.assertNothingHeld();
  });

  it('run while a request of the same tenant is in a transaction that reads, and refuse an archived tenant', async () => {
    await using world = await SqliteWorld.create({ kind, ids: ['acme'], orm, isFilled: false });
    await world.manager.run('acme', (em) =>
      em.transactional(
        async (inner) => {
          await inner.execute('select 1');
          expect(await world.manager.migrator('acme').up()).toHaveLength(2);
        },
        { readOnly: true },
      ),
    );
    world.setStatus('acme', 'archived');
    await expect(world.manager.migrator('acme').up()).rejects.toThrow(TenantUnavailableError);
  });
});
