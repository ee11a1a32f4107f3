import { describe, expect, it } from '@jest/globals';
import { Migration } from '@mikro-orm/migrations';
import {
  FleetNotRecordedError,
  FleetRunNotFoundError,
  FleetRunStateError,
  StaticCatalog,
} from 'mikro-orm-multitenancy';
import {
  FLEET_MIGRATIONS,
  FLEET_NAMES,
  FleetWorld,
  Migration001Counter,
  Migration002Rows,
} from '../../support/fleet/FleetWorld.ts';

class Migration004Later extends Migration {
  override up(): void {
    this.addSql("insert into counter (note) values ('004')");
  }

  override down(): void {
    this.addSql("delete from counter where note = '004'");
  }
}

describe('rolling back a run', () => {
  it('takes back what the run applied and nothing else, in reverse order', async () => {
    await using world = await FleetWorld.create(3);
    const manager = await world.manager();
    await manager.migrator('t01').up({ to: 'Migration001Counter' });
    await manager.migrator('t02').up();
    const run = await manager.fleet.migrate();
    const reverted: string[][] = [];
    manager.events.on('migration:reverted', ({ migrations }) => reverted.push([...migrations]));
    const report = await manager.fleet.rollback(run.id ?? '', { by: 'ops', concurrency: 1 });
    expect(report).toMatchObject({
      kind: 'rollback',
      ofRun: run.id,
      state: 'finished',
      by: 'ops',
      counts: { tenants: 2, done: 2 },
    });
    expect(reverted).toEqual([FLEET_NAMES.toReversed(), ['Migration003More', 'Migration002Rows']]);
    expect(await world.executed('t00')).toEqual([]);
    expect(await world.executed('t01')).toEqual(['Migration001Counter']);
    expect(await world.notes('t01')).toEqual([]);
    expect(await world.executed('t02')).toEqual(FLEET_NAMES);
    expect(report.items[1]).toMatchObject({ from: 'Migration003More', to: 'Migration001Counter' });
  });

  it('is done once: what was applied again since stays', async () => {
    await using world = await FleetWorld.create(1);
    const manager = await world.manager();
    const run = await manager.fleet.migrate();
    const rollback = await manager.fleet.rollback(run.id ?? '');
    await manager.fleet.migrate();
    await expect(manager.fleet.rollback(run.id ?? '')).rejects.toThrow(FleetRunStateError);
    await expect(manager.fleet.rollback(run.id ?? '')).rejects.toThrow(`is taken back by run "${rollback.id}" already`);
    await expect(manager.fleet.rollback(rollback.id ?? '')).rejects.toThrow(FleetRunStateError);
    expect(await world.executed('t00')).toEqual(FLEET_NAMES);
    expect(await manager.fleet.retry(rollback.id ?? '')).toMatchObject({ state: 'finished' });
    expect(await world.executed('t00')).toEqual(FLEET_NAMES);
  });

  it('leaves a tenant alone that was migrated further since', async () => {
    await using world = await FleetWorld.create(2);
    const manager = await world.manager();
    const run = await manager.fleet.migrate();
    const later = await world.manager({ migrations: [...FLEET_MIGRATIONS, Migration004Later] });
    await later.migrator('t00').up();
    const report = await later.fleet.rollback(run.id ?? '');
    expect(report.items.map(({ state }) => state)).toEqual(['failed', 'done']);
    expect(report.items[0]?.error).toMatchObject({
      code: 'FLEET_ROLLBACK',
      message: expect.stringContaining('Migration004Later'),
    });
    expect(await world.executed('t00')).toEqual([...FLEET_NAMES, 'Migration004Later']);
    await later.migrator('t00').down();
    expect(await later.fleet.retry(report.id ?? '')).toMatchObject({ state: 'finished', counts: { done: 2 } });
    expect(await world.executed('t00')).toEqual([]);
  });

  it('does not pass over a migration that the application has no more', async () => {
    await using world = await FleetWorld.create(1);
    const run = await (await world.manager()).fleet.migrate();
    const without = await world.manager({ migrations: [Migration001Counter, Migration002Rows] });
    const report = await without.fleet.rollback(run.id ?? '');
    expect(report.items[0]).toMatchObject({
      state: 'failed',
      error: { message: expect.stringContaining('Migration003More') },
    });
    expect(await world.executed('t00')).toEqual(FLEET_NAMES);
  });

  it('finds no run that does not exist', async () => {
    await using world = await FleetWorld.create(0);
    const { fleet } = await world.manager();
    for (const id of ['7', 'x', '', '1; drop table tenancy_fleet_runs', '99999999999999999999999']) {
      await expect(fleet.report(id)).rejects.toThrow(FleetRunNotFoundError);
      await expect(fleet.resume(id)).rejects.toThrow(FleetRunNotFoundError);
    }
  });
});

describe('without a central database', () => {
  it('everything works but the ledger, and says so', async () => {
    await using world = await FleetWorld.create(3);
    const catalog = new StaticCatalog(world.ids.map((id) => ({ id, database: world.databaseOf(id) })));
    const manager = await world.managerOver(catalog);
    await manager.migrator('t02').up();
    const report = await manager.fleet.migrate({ waves: ['1%', 'rest'] });
    expect(report).toMatchObject({
      id: undefined,
      recorded: false,
      state: 'finished',
      counts: { done: 2, unchanged: 1 },
    });
    expect(await world.executed('t00')).toEqual(FLEET_NAMES);
    expect(await manager.fleet.status()).toMatchObject({ recorded: false, counts: { current: 3, edited: undefined } });
    expect((await manager.fleet.plan()).counts).toMatchObject({ current: 3 });
    for (const attempt of [
      () => manager.fleet.resume('1'),
      () => manager.fleet.retry('1'),
      () => manager.fleet.join('1'),
      () => manager.fleet.rollback('1'),
      () => manager.fleet.report('1'),
      () => manager.fleet.runs(),
    ]) {
      await expect(attempt()).rejects.toThrow(FleetNotRecordedError);
    }
  });
});
