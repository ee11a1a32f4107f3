import { describe, expect, it } from '@jest/globals';
import { Migration } from '@mikro-orm/migrations';
import {
  type FleetReport,
  TenancyConfigurationError,
  type TenancyEvents,
  TenantNotFoundError,
} from 'mikro-orm-multitenancy';
import { FLEET_MIGRATIONS, FLEET_NAMES, FleetWorld } from '../../support/fleet/FleetWorld.ts';

const states = ({ items }: FleetReport) => Object.fromEntries(items.map(({ tenantId, state }) => [tenantId, state]));

class Migration004Fails extends Migration {
  override up(): void {
    this.addSql("insert into counter (note) values ('004')");
    this.addSql("do $$ begin if current_database() like '%_t01' then raise exception 'not here'; end if; end $$");
  }

  override down(): void {
    this.addSql("delete from counter where note = '004'");
  }
}

describe('a run over the fleet', () => {
  it('applies to every tenant what it lacks, and is written down', async () => {
    await using world = await FleetWorld.create(3);
    const manager = await world.manager();
    await manager.migrator('t01').up({ to: 'Migration001Counter' });
    const events: TenancyEvents['fleet:tenant-settled'][] = [];
    manager.events.on('fleet:tenant-settled', (event) => events.push(event));
    const report = await manager.fleet.migrate({ by: 'ops' });
    expect(report).toMatchObject({
      ...{ kind: 'migrate', state: 'finished', recorded: true, by: 'ops', waves: 1, stoppedBecause: undefined },
      counts: { tenants: 3, done: 3, unchanged: 0, failed: 0, pending: 0, running: 0 },
    });
    expect(report.items[1]).toMatchObject({
      ...{ tenantId: 't01', from: 'Migration001Counter', to: 'Migration003More', attempts: 1, error: undefined },
      migrations: [
        { name: 'Migration002Rows', checksum: expect.stringMatching(/^class:/) },
        { name: 'Migration003More', checksum: expect.stringMatching(/^class:/) },
      ],
    });
    for (const id of world.ids) {
      expect(await world.executed(id)).toEqual(FLEET_NAMES);
      expect(await world.notes(id)).toEqual(['002', '003']);
    }
    expect(events.map(({ tenantId }) => tenantId).sort()).toEqual(world.ids);
    const again = await manager.fleet.migrate();
    expect(again.counts).toMatchObject({ unchanged: 3, done: 0 });
    expect((await manager.fleet.runs()).map(({ id }) => id)).toEqual([again.id, report.id]);
    expect(await manager.fleet.report(report.id ?? '')).toEqual(report);
  });

  it('goes on past a tenant that fails, whose transaction leaves nothing behind, and retries only that one', async () => {
    await using world = await FleetWorld.create(3);
    const manager = await world.manager({ migrations: [...FLEET_MIGRATIONS, Migration004Fails] });
    const report = await manager.fleet.migrate();
    expect(report.state).toBe('finished');
    expect(states(report)).toEqual({ t00: 'done', t01: 'failed', t02: 'done' });
    expect(report.items[1]).toMatchObject({
      attempts: 1,
      migrations: [],
      error: { sqlState: 'P0001', migration: 'Migration004Fails', mayBeHalfDone: false },
    });
    expect(report.items[1]?.error?.message).toContain('not here');
    expect(await world.executed('t01')).toEqual([]);
    const failures = await manager.fleet.report(report.id ?? '', { states: ['failed'] });
    expect({ ...failures, items: [] }).toEqual({ ...report, items: [] });
    expect(failures.items).toEqual([report.items[1]]);
    const first = await manager.fleet.report(report.id ?? '', { limit: 1 });
    expect(first.items).toEqual([report.items[0]]);
    await expect(manager.fleet.report(report.id ?? '', { states: ['gone' as 'failed'] })).rejects.toThrow('states');
    const failedAgain = await manager.fleet.retry(report.id ?? '');
    expect(states(failedAgain)).toEqual({ t00: 'done', t01: 'failed', t02: 'done' });
    expect(failedAgain.items.map(({ attempts }) => attempts)).toEqual([1, 2, 1]);
    const fixed = await world.manager({
      migrations: [...FLEET_MIGRATIONS, class Migration004Fails extends Migration003 {}],
    });
    const retried = await fixed.fleet.retry(report.id ?? '');
    expect(retried).toMatchObject({ state: 'finished', counts: { done: 3, failed: 0 } });
    expect(retried.items.map(({ attempts }) => attempts)).toEqual([1, 3, 1]);
    expect(await world.notes('t01')).toEqual(['002', '003', 'fixed']);
    expect(await world.notes('t00')).toEqual(['002', '003', '004']);
  });

  it('takes the tenants of a selection', async () => {
    await using world = await FleetWorld.create(4);
    const manager = await world.manager();
    const { tenants } = manager.central;
    await tenants.setStatus('t00', 'suspended');
    await tenants.setStatus('t01', 'archived');
    await tenants.update('t02', { metadata: { plan: 'pro' } });
    const chosen = async (options: object): Promise<string[]> =>
      (await manager.fleet.plan(options)).waves.flat().map(({ tenantId }) => tenantId);
    expect(await chosen({})).toEqual(['t00', 't02', 't03']);
    expect(await chosen({ status: ['active'] })).toEqual(['t02', 't03']);
    expect(await chosen({ ids: ['t03', 't00'] })).toEqual(['t00', 't03']);
    expect(await chosen({ where: ({ metadata }: { metadata: { plan?: string } }) => metadata.plan === 'pro' })).toEqual(
      ['t02'],
    );
    expect(
      await chosen({ server: 'default', order: (a: { id: string }, b: { id: string }) => (a.id < b.id ? 1 : -1) }),
    ).toEqual(['t03', 't02', 't00']);
    await manager.migrator('t02').up();
    expect(await chosen({ behind: true })).toEqual(['t00', 't03']);
    expect(await chosen({ ids: [] })).toEqual([]);
    await expect(manager.fleet.migrate({ ids: ['nobody'] })).rejects.toThrow(TenantNotFoundError);
    await expect(manager.fleet.migrate({ server: 'elsewhere' })).rejects.toThrow(TenancyConfigurationError);
    await expect(manager.fleet.migrate({ to: 'Migration999' })).rejects.toThrow('which the application does not have');
    await expect(manager.fleet.migrate({ concurrencyPerServer: 5 })).rejects.toThrow(
      'Raise its `reservedConnections` to 6',
    );
    const none = await manager.fleet.migrate({ ids: [] });
    expect(none).toMatchObject({ state: 'finished', counts: { tenants: 0 }, items: [] });
  });

  it('plans without a change, and says the statements on request', async () => {
    await using world = await FleetWorld.create(3);
    const manager = await world.manager();
    await manager.migrator('t00').up();
    await manager.migrator('t01').up({ to: 'Migration002Rows' });
    const plan = await manager.fleet.plan({ sql: true, waves: [['t01'], 'rest'] });
    expect(plan).toMatchObject({
      to: 'Migration003More',
      counts: { tenants: 3, behind: 2, current: 1, failed: 0 },
      migrations: [
        {
          name: 'Migration001Counter',
          tenants: 1,
          sql: ['create table counter (id serial primary key, note text not null)'],
        },
        { name: 'Migration002Rows', tenants: 1 },
        { name: 'Migration003More', tenants: 2 },
      ],
      waves: [
        [{ tenantId: 't01', from: 'Migration002Rows', pending: ['Migration003More'] }],
        [
          { tenantId: 't00', pending: [] },
          { tenantId: 't02', from: undefined, pending: FLEET_NAMES },
        ],
      ],
    });
    expect(await manager.fleet.runs()).toEqual([]);
    expect(await world.executed('t02')).toEqual([]);
  });

  it('says nothing of statements that a migration asks a database for', async () => {
    class Migration004Asks extends Migration {
      override async up(): Promise<void> {
        await this.execute('select 1');
      }
    }
    await using world = await FleetWorld.create(1);
    const manager = await world.manager({ migrations: [...FLEET_MIGRATIONS, Migration004Asks] });
    const { migrations } = await manager.fleet.plan({ sql: true });
    expect(migrations[3]).toMatchObject({
      sql: undefined,
      sqlUnknownBecause: expect.stringContaining('needs a tenant'),
    });
  });

  it('begins with canaries, and goes no further when one of them fails', async () => {
    await using world = await FleetWorld.create(4);
    const manager = await world.manager({ migrations: [...FLEET_MIGRATIONS, Migration004Fails] });
    const report = await manager.fleet.migrate({ waves: [['t01'], '25%', 'rest'] });
    expect(report).toMatchObject({
      state: 'stopped',
      waves: 3,
      wave: 1,
      stoppedBecause: '1 of the tenants of wave 1 failed',
    });
    expect(states(report)).toEqual({ t01: 'failed', t00: 'pending', t02: 'pending', t03: 'pending' });
    const resumed = await manager.fleet.resume(report.id ?? '');
    expect(resumed).toMatchObject({ state: 'finished', wave: 3 });
    expect(states(resumed)).toEqual({ t01: 'failed', t00: 'done', t02: 'done', t03: 'done' });
  });

  it('asks before each wave, and stops where nobody agrees', async () => {
    await using world = await FleetWorld.create(3);
    const manager = await world.manager();
    const asked: unknown[] = [];
    const report = await manager.fleet.migrate({
      waves: [['t02'], ['t00'], 'rest'],
      between: ({ wave, next, counts }) => {
        asked.push([wave, next, counts.done]);
        return wave < 2;
      },
    });
    expect(asked).toEqual([
      [1, 1, 1],
      [2, 1, 1],
    ]);
    expect(report).toMatchObject({ state: 'stopped', stoppedBecause: 'wave 3 of 3 was not agreed to' });
    expect(states(report)).toEqual({ t02: 'done', t00: 'done', t01: 'pending' });
    expect(await manager.fleet.join(report.id ?? '')).toMatchObject({ state: 'stopped' });
    expect(await manager.fleet.resume(report.id ?? '', { between: () => true })).toMatchObject({ state: 'finished' });
  });

  it('stops after so many failures', async () => {
    class Migration004Never extends Migration {
      override up(): void {
        this.addSql('select 1 / 0');
      }
    }
    await using world = await FleetWorld.create(5);
    const manager = await world.manager({ migrations: [Migration004Never] });
    const report = await manager.fleet.migrate({ stopAfterFailures: 2, concurrency: 1 });
    expect(report).toMatchObject({ state: 'stopped', counts: { failed: 2, pending: 3 } });
    const resumed = await manager.fleet.resume(report.id ?? '', { concurrency: 1 });
    expect(resumed).toMatchObject({ state: 'stopped', counts: { failed: 4, pending: 1 } });
  });

  it('finishes what is under way when it is aborted, and leaves the rest pending', async () => {
    await using world = await FleetWorld.create(4);
    const manager = await world.manager();
    const abort = new AbortController();
    manager.events.on('migration:applied', () => abort.abort());
    const report = await manager.fleet.migrate({ signal: abort.signal, concurrency: 1 });
    expect(report).toMatchObject({
      state: 'stopped',
      counts: { done: 1, pending: 3 },
      stoppedBecause: 'its caller stopped it',
    });
    expect(await manager.fleet.resume(report.id ?? '')).toMatchObject({ state: 'finished', counts: { done: 4 } });
    for (const id of world.ids) {
      expect(await world.notes(id)).toEqual(['002', '003']);
    }
  });
});

class Migration003 extends Migration {
  override up(): void {
    this.addSql("insert into counter (note) values ('fixed')");
  }
}
