import { describe, expect, it } from '@jest/globals';
import { Migration } from '@mikro-orm/migrations';
import { TenancyConfigurationError } from 'mikro-orm-multitenancy';
import { House, until } from '../../support/manager/TestTenants.ts';
import { type LifeManager, LifeWorld, stepsOf } from '../../support/provisioning/LifeWorld.ts';
import { LIFE_MIGRATIONS } from '../../support/provisioning/lifeOptions.ts';

const BY_HAND = { min: 2, max: 3, refill: false };

const spareRows = (world: LifeWorld) =>
  world.query<{ name: string; ready: boolean }>(
    'select database_name as name, is_ready as ready from tenancy_spares order by 1',
  );

describe('spare databases', () => {
  it('are made up to `max`, however many processes fill them at the same time', async () => {
    await using world = await LifeWorld.create();
    const managers = await Promise.all(
      Array.from({ length: 3 }, () => world.manager({ provisioning: { spares: BY_HAND } })),
    );
    await Promise.all(managers.map((manager) => manager.fillSpares()));
    const rows = await spareRows(world);
    expect(rows.map(({ ready }) => ready)).toEqual([true, true, true]);
    expect(await world.databases()).toEqual(rows.map(({ name }) => name));
    expect(await managers[0]?.fillSpares()).toEqual({ default: 3 });
  });

  it('become tenants by a row and a claim', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager({ provisioning: { spares: BY_HAND } });
    await manager.fillSpares();
    const before = await spareRows(world);
    await manager.provision({ id: 'acme' });
    const [operation] = await manager.operations();
    expect(operation && stepsOf(operation)).toEqual(['row', 'database', 'active']);
    const after = await spareRows(world);
    expect(after).toHaveLength(before.length - 1);
    expect(await world.databases()).toEqual([world.databaseOf('acme'), ...after.map(({ name }) => name)].sort());
    expect(await manager.run('acme', (em) => em.count(House))).toBe(0);
  });

  it('go to one tenant each, however many are claimed at the same time, and the rest is copied', async () => {
    await using world = await LifeWorld.create();
    const options = { provisioning: { spares: { min: 4, max: 4, refill: false } } };
    const [manager, other]: [LifeManager, LifeManager] = [await world.manager(options), await world.manager(options)];
    await manager.fillSpares();
    const ids = Array.from({ length: 10 }, (_, n) => `t${n}`);
    await Promise.all(ids.map((id, n) => (n % 2 === 0 ? manager : other).provision({ id })));
    expect(await spareRows(world)).toEqual([]);
    expect(await world.databases()).toEqual(ids.map((id) => world.databaseOf(id)).sort());
    for (const id of ids) {
      await manager.run(id, async (em) => {
        em.create(House, { address: id });
        await em.flush();
      });
    }
    const found = await other.each((em) => em.findAll(House));
    expect(found.map((one) => (one.ok ? one.value.map(({ address }) => address) : one.error))).toEqual(
      ids.map((id) => [id]),
    );
  });

  it('are filled up in the background after one was taken', async () => {
    await using world = await LifeWorld.create();
    const spares = { min: 2, max: 2, checkEveryMs: 50 };
    const manager = await world.manager({ provisioning: { spares } });
    const ready = async (): Promise<number> => (await spareRows(world)).filter((row) => row.ready).length;
    await until(async () => (await ready()) === 2, 'no spares were made');
    await manager.provision({ id: 'acme' });
    await until(async () => (await ready()) === 2, 'the spare was not replaced');
  });

  it('that a process left half made are dropped by the next one', async () => {
    await using world = await LifeWorld.create();
    const settings = { verb: 'fillSpares' as const, args: [], hasSpares: true };
    const manager = await world.manager({ provisioning: { spares: BY_HAND } });
    // So that the templates are there: that of the other process is another one, since its classes are compiled otherwise.
    await manager.provision({ id: 'acme' });
    await world.inProcess({ verb: 'provision', args: [{ id: 'globex' }] });
    for (const [killAt, isSent] of [
      [1, true],
      [2, false],
      [3, true],
      [4, false],
    ] as const) {
      await world.inProcess({ ...settings, killAt, isSent });
    }
    await world.query("update tenancy_spares set lease_until = now() - interval '1 second' where not is_ready");
    await manager.fillSpares();
    const rows = await spareRows(world);
    expect(rows.map(({ ready }) => ready)).toEqual([true, true, true]);
    expect(await world.databases()).toEqual(
      [...['acme', 'globex'].map((id) => world.databaseOf(id)), ...rows.map(({ name }) => name)].sort(),
    );
  });

  it('of other migrations are not given to tenants, and go after a while', async () => {
    await using world = await LifeWorld.create();
    const old = await world.manager({ provisioning: { spares: BY_HAND } });
    await old.fillSpares();
    class Migration003Door extends Migration {
      override up(): void {
        this.addSql('create table door (id int)');
      }
    }
    const migrations = [...LIFE_MIGRATIONS, Migration003Door];
    const manager = await world.manager({ migrations, provisioning: { spares: BY_HAND } });
    const others = (await spareRows(world)).map(({ name }) => name);
    await manager.provision({ id: 'acme' });
    expect(await manager.migrator('acme').getPending()).toEqual([]);
    expect((await spareRows(world)).map(({ name }) => name)).toEqual(others);
    await world.query("update tenancy_spares set created_at = now() - interval '1 hour'");
    await manager.fillSpares();
    const now = (await spareRows(world)).map(({ name }) => name);
    expect(now).toHaveLength(3);
    expect(now.filter((name) => others.includes(name))).toEqual([]);
    expect(await world.databases()).toEqual([world.databaseOf('acme'), ...now].sort());
  });

  it('tell of a failure, and do not stop what goes on', async () => {
    await using world = await LifeWorld.create();
    class Migration003Broken extends Migration {
      override up(): void {
        this.addSql('select * from nowhere');
      }
    }
    const spares = { min: 1, checkEveryMs: 30 };
    const manager = await world.manager({
      migrations: [...LIFE_MIGRATIONS, Migration003Broken],
      provisioning: { spares },
    });
    const failures: unknown[] = [];
    manager.events.on('spares:failed', ({ error }) => failures.push(error));
    await until(async () => failures.length > 1, 'nobody told of it');
    expect(String(failures[0])).toContain('nowhere');
    await manager.close();
    const said = failures.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(failures).toHaveLength(said);
  });

  it('need the central database', async () => {
    await using world = await LifeWorld.create();
    await expect(world.manager({ provisioning: { spares: { min: 3, max: 2 } } })).rejects.toThrow(
      TenancyConfigurationError,
    );
  });
});
