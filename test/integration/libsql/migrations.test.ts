import { describe, expect, it } from '@jest/globals';
import { Migration } from '@mikro-orm/migrations';
import { Migration003Broken, migrationsList, names } from '../../support/files/migrations.ts';
import { itMigrates, notes } from '../../support/kinds/migrationCases.ts';
import { LibsqlWorld } from '../../support/libsql/LibsqlWorld.ts';

/** As a migration may do by mistake: not `this.execute`. */
class Migration001Outside extends Migration {
  override async up(): Promise<void> {
    await this.execute('create table inside (id integer primary key)');
    await this.driver.execute('select 1');
  }
}

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

  it('that send a statement outside of their transaction wait for themselves, are told so, and leave nothing', async () => {
    await using world = await LibsqlWorld.create({
      ids: ['acme'],
      isFilled: false,
      files: { acquireTimeoutMs: 300 },
      orm: { migrations: { migrationsList: [Migration001Outside] } },
    });
    const migrated = world.manager.migrator('acme').up();
    await expect(migrated).rejects.toThrow('no connection became free within 300 ms');
    expect(await world.rows('acme', "select name from sqlite_master where name = 'inside'")).toEqual([]);
    world.assertNothingHeld();
  });
});
