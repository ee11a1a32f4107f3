import { describe, expect, it } from '@jest/globals';
import { Migration } from '@mikro-orm/migrations';
import type { FleetStatus, TenantOrmManager } from 'mikro-orm-multitenancy';
import { outcomeOf } from '../../../support/connections/BudgetWorld.ts';
import { adminQuery } from '../../../support/databases.ts';
import {
  FLEET_MIGRATIONS,
  FLEET_NAMES,
  FleetWorld,
  Migration001Counter,
  Migration003More,
} from '../../../support/fleet/FleetWorld.ts';
import { assertClosed, TestTenants, until } from '../../../support/manager/TestTenants.ts';
import { migrationsList } from '../../../support/migrations/migrations.ts';
import { versionOf } from '../../../support/migrations/StatusWorld.ts';

const [first = '', second = '', last = ''] = FLEET_NAMES;

class Migration002Rows extends Migration {
  override up(): void {
    this.addSql("insert into counter (note) values ('edited')");
  }
}

const summary = ({ tenants }: FleetStatus) =>
  tenants.map((one) =>
    one.state === 'failed' ? one : [one.tenantId, one.state, one.behindBy, one.edited, one.unverified],
  );

const noReferences = () =>
  until(
    async () => (await adminQuery("select 1 from pg_database where datname like 'tenancy_reference%'")).length === 0,
    'a reference database is left',
  );

describe('manager.fleet.status', () => {
  it('finds edited migrations by what the runs have written down, and those that are missing', async () => {
    await using world = await FleetWorld.create(3);
    const manager = await world.manager();
    await manager.migrator('t01').up({ to: first });
    await manager.fleet.migrate({ ids: ['t00', 't01'] });
    const before = await manager.fleet.status();
    expect(before).toMatchObject({
      recorded: true,
      known: 3,
      latest: last,
      counts: { current: 2, behind: 1, edited: 0 },
    });
    expect(summary(before)).toEqual([
      ['t00', 'current', 0, [], 0],
      ['t01', 'current', 0, [], 1],
      ['t02', 'behind', 3, [], 0],
    ]);
    const edited = await world.manager({ migrations: [Migration001Counter, Migration002Rows, Migration003More] });
    expect(summary(await edited.fleet.status())).toEqual([
      ['t00', 'current', 0, [second], 0],
      ['t01', 'current', 0, [second], 1],
      ['t02', 'behind', 3, [], 0],
    ]);
    const without = await world.manager({ migrations: FLEET_MIGRATIONS.filter((_one, n) => n !== 1) });
    const status = await without.fleet.status({ ids: ['t00'] });
    expect(status.counts).toMatchObject({ tenants: 1, missing: 1 });
    expect(versionOf(status, 't00')).toMatchObject({ missing: [second], ahead: [] });
  });

  it('takes the tenants of a selection, and refuses what it does not understand', async () => {
    await using world = await FleetWorld.create(3);
    const manager = await world.manager();
    await manager.migrator('t01').up();
    const ids = async (options: Parameters<TenantOrmManager['fleet']['status']>[0]) =>
      (await manager.fleet.status(options)).tenants.map(({ tenantId }) => tenantId);
    expect(await ids({ behind: true })).toEqual(['t00', 't02']);
    expect(await ids({ where: ({ id }) => id > 't00' })).toEqual(['t01', 't02']);
    await expect(ids({ ids: ['nobody'] })).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' });
    await expect(ids({ drfit: true } as never)).rejects.toThrow('drfit');
    await expect(ids({ drift: 1 } as never)).rejects.toThrow('drift');
  });

  it('says without a central database that nothing is recorded', async () => {
    await using tenants = await TestTenants.create(['acme'], { schema: '' });
    const manager = await tenants.manager({ orm: { migrations: { migrationsList } } });
    await manager.fleet.migrate();
    const status = await manager.fleet.status({ drift: true });
    expect(status).toMatchObject({ recorded: false, counts: { current: 1, edited: undefined, drifted: 0 } });
    expect(versionOf(status, 'acme')).toMatchObject({ edited: undefined, unverified: 3, drift: { is: 'none' } });
    await noReferences();
  });

  it('tells nobody of the reference that it builds, and is not seen by the gate', async () => {
    await using tenants = await TestTenants.create(['acme'], { schema: '' });
    const manager = await tenants.manager({
      orm: { migrations: { migrationsList } },
      versionGate: { requires: 'latest', whenBehind: 'refuse' },
    });
    await manager.migrator('acme').up({ to: 'Migration001Tables' });
    await adminQuery('create table by_hand ()', [], tenants.databaseOf('acme'));
    const events: unknown[] = [];
    manager.events.on('migration:applied', (event) => events.push(event));
    manager.events.on('tenant:behind', (event) => events.push(event));
    const { drift } = versionOf(await manager.fleet.status({ drift: true }), 'acme');
    expect(drift).toEqual({
      is: 'different',
      objects: 1,
      differences: [{ kind: 'table', name: 'public.by_hand', is: 'extra' }],
    });
    expect(events).toEqual([]);
    expect(manager.stats()).toMatchObject({ leases: 0, handles: { open: 0, opening: 0 } });
  });

  it('ends with the manager, and leaves no database and no connection', async () => {
    await using tenants = await TestTenants.create(['acme'], { schema: '' });
    class Migration004Slow extends Migration {
      override up(): void {
        this.addSql('select pg_sleep(20)');
      }
    }
    const manager = await tenants.manager({ orm: { migrations: { migrationsList: [Migration004Slow] } } });
    await adminQuery(
      'create table mikro_orm_migrations (id serial primary key, name text, executed_at timestamptz)',
      [],
      tenants.databaseOf('acme'),
    );
    await adminQuery(
      "insert into mikro_orm_migrations (name) values ('Migration004Slow')",
      [],
      tenants.databaseOf('acme'),
    );
    const reading = outcomeOf(manager.fleet.status({ drift: true }));
    const sleeping = "select 1 from pg_stat_activity where query like 'select pg_sleep(20)%' and state = 'active'";
    await until(async () => (await adminQuery(sleeping)).length > 0, 'the reference is not built');
    const startedAt = performance.now();
    await manager.close({ timeoutMs: 100 });
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(reading.error).toMatchObject({ code: 'MANAGER_CLOSED' });
    assertClosed(manager);
    await noReferences();
  });
});
