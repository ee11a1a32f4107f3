import { describe, expect, it } from '@jest/globals';
import { Migration003Broken, migrationsList, names } from '../../support/files/migrations.ts';
import { itMigrates, notes } from '../../support/kinds/migrationCases.ts';
import { LibsqlWorld } from '../../support/libsql/LibsqlWorld.ts';

describe("libSQL: a tenant's migrations", () => {
  itMigrates(migrationsList, (options) => LibsqlWorld.create(options));

  it('are undone as a whole when one fails, and taken back by down()', async () => {
    await using world = await LibsqlWorld.create({
      ids: ['acme'],
      isFilled: false,
      orm: { migrations: { migrationsList: [...migrationsList, Migration003Broken] } },
    });
    const { manager } = world;
    await expect(manager.migrator('acme').up()).rejects.toThrow('missing_table');
    expect(await manager.migrator('acme').getExecuted()).toEqual([]);
    expect(await manager.migrator('acme').up({ to: names[1] as string })).toHaveLength(2);
    expect((await manager.migrator('acme').down()).map(({ name }) => name)).toEqual([names[1]]);
    expect(await notes(world, 'acme')).toEqual([]);
    world.assertNothingHeld();
  });

  it('wait for a request of the tenant that is in a transaction, and requests wait for them', async () => {
    await using world = await LibsqlWorld.create({
      ids: ['acme'],
      isFilled: false,
      orm: { migrations: { migrationsList } },
    });
    const { manager } = world;
    const begun = Promise.withResolvers<void>();
    const order: string[] = [];
    const request = manager.run('acme', (em) =>
      em.transactional(async (inner) => {
        await inner.execute('create table own (id integer primary key)');
        begun.resolve();
        await new Promise((resolve) => setTimeout(resolve, 50));
        order.push('request');
      }),
    );
    await begun.promise;
    const migrated = manager
      .migrator('acme')
      .up()
      .then(() => order.push('migrated'));
    await Promise.all([request, migrated]);
    expect(order).toEqual(['request', 'migrated']);
    expect(await manager.run('acme', (em) => em.execute('select note from counter'))).toEqual([{ note: 'applied' }]);
  });
});
