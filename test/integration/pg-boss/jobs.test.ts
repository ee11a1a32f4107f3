import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FleetNotRecordedError, StaticCatalog, TenancyConfigurationError } from 'mikro-orm-multitenancy';
import { TenancyJobs } from 'mikro-orm-multitenancy/pg-boss';
import { PgBoss } from 'pg-boss';
import { createDatabase, dropDatabase, serverUrl, uniqueName } from '../../support/databases.ts';
import { FLEET_NAMES, FleetWorld } from '../../support/fleet/FleetWorld.ts';
import type { FleetProgram } from '../../support/fleet/fleetProgram.ts';
import { until } from '../../support/manager/TestTenants.ts';
import { LifeWorld } from '../../support/provisioning/LifeWorld.ts';
import { runProgram } from '../../support/runProgram.ts';

describe('jobs of pg-boss', () => {
  const database = uniqueName('boss');
  let boss: PgBoss;
  let url: string;
  beforeAll(async () => {
    await createDatabase(database);
    const at = new URL(serverUrl());
    at.pathname = database;
    url = at.href;
    boss = new PgBoss(url);
    boss.on('error', () => {});
    await boss.start();
  });
  afterAll(async () => {
    await boss.stop({ graceful: false });
    await dropDatabase(database);
  });

  it('apply migrations to the fleet, in a run that is written down', async () => {
    await using world = await FleetWorld.create(4);
    const manager = await world.manager();
    const jobs = new TenancyJobs(boss, manager, { queue: uniqueName('queue') });
    const begun = await jobs.migrate({ by: 'ops', waves: [['t02'], 'rest'], workers: 2 });
    expect(begun).toMatchObject({ state: 'running', recorded: true, by: 'ops', counts: { pending: 4 } });
    expect(await world.executed('t00')).toEqual([]);
    const settled: string[] = [];
    await jobs.work({ onProgress: ({ tenantId }) => settled.push(tenantId) });
    await until(async () => (await manager.fleet.report(begun.id ?? '')).state === 'finished', 'the run does not end');
    await jobs.stop();
    expect(settled.at(0)).toBe('t02');
    expect(settled.toSorted((one, other) => one.localeCompare(other))).toEqual(world.ids);
    for (const id of world.ids) {
      expect(await world.notes(id)).toEqual(['002', '003']);
    }
  }, 60_000);

  it('are taken over when their worker is killed', async () => {
    await using world = await FleetWorld.create(6);
    const manager = await world.manager();
    const jobs = new TenancyJobs(boss, manager);
    const { id: runId = '' } = await jobs.migrate({ workers: 2 });
    const program: FleetProgram = {
      server: serverUrl(),
      central: world.central,
      prefix: world.prefix,
      ids: world.ids,
      boss: url,
    };
    const killed = runProgram('fleet/fleetProgram.ts', [JSON.stringify({ ...program, killAt: 25 })]);
    await expect(killed).rejects.toMatchObject({ signal: 'SIGKILL' });
    const { counts } = await manager.fleet.report(runId);
    expect(counts.running).toBeGreaterThan(0);
    // The second job of the run is still there; that of the killed worker comes back by itself, later.
    await jobs.work();
    await until(async () => (await manager.fleet.report(runId)).state === 'finished', 'the run does not end');
    await jobs.stop();
    for (const id of world.ids) {
      expect([id, await world.executed(id), await world.notes(id)]).toEqual([id, FLEET_NAMES, ['002', '003']]);
    }
  }, 60_000);

  it('that are sent for a run which has ended do no harm', async () => {
    await using world = await FleetWorld.create(1);
    const manager = await world.manager();
    const { id: runId = '' } = await manager.fleet.migrate();
    const jobs = new TenancyJobs(boss, manager, { queue: uniqueName('queue') });
    const ended = once(manager.events, 'fleet:run-ended');
    await jobs.send(runId, { workers: 1 });
    await jobs.work();
    expect(await ended).toMatchObject([{ runId, state: 'finished' }]);
    await jobs.stop();
    expect(await world.notes('t00')).toEqual(['002', '003']);
  }, 60_000);

  it('need a ledger, and options that are right', async () => {
    await using world = await FleetWorld.create(1);
    const catalog = new StaticCatalog([{ id: 't00', database: world.databaseOf('t00') }]);
    const manager = await world.managerOver(catalog);
    const jobs = new TenancyJobs(boss, manager);
    await expect(jobs.migrate()).rejects.toThrow(FleetNotRecordedError);
    await expect(jobs.migrate({ workers: 0 })).rejects.toThrow(TenancyConfigurationError);
    await expect(jobs.migrate({ signal: AbortSignal.abort() } as never)).rejects.toThrow('signal');
    expect(() => new TenancyJobs(boss, manager, { queue: '' })).toThrow(TenancyConfigurationError);
    expect(() => new TenancyJobs(boss, manager, { name: 'x' } as never)).toThrow('name');
  });

  it('make new tenants, and find them made when they come again', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    const jobs = new TenancyJobs(boss, manager as never, { queue: uniqueName('queue') });
    await expect(jobs.provision({ id: 'Not An Id' } as never)).rejects.toThrow(TenancyConfigurationError);
    await jobs.provision({ id: 'acme', domains: ['acme.com'] } as never);
    await jobs.provision({ id: 'acme', domains: ['acme.com'] } as never);
    const ended: string[] = [];
    manager.events.on('operation:ended', ({ tenantId, state }) => ended.push(`${tenantId} ${state}`));
    await jobs.work();
    await jobs.provision({ id: 'globex' } as never);
    await until(async () => (await manager.catalog.find('globex'))?.status === 'active', 'nobody makes it');
    await jobs.stop();
    expect(ended).toEqual(['acme done', 'globex done']);
    expect(await manager.catalog.find('acme')).toMatchObject({ status: 'active', domains: ['acme.com'] });
  }, 30_000);

  it('of a new tenant whose worker is killed are gone on with by another one', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager({ provisioning: { seed: () => {} } });
    const jobs = new TenancyJobs(boss, manager as never, { queue: uniqueName('queue') });
    // As a worker does that takes the job and dies.
    await world.inProcess({ verb: 'provision', args: [{ id: 'acme' }], killAt: 8 });
    const [operation] = await manager.operations({ tenantId: 'acme' });
    await until(async () => Date.now() > Date.parse(operation?.leaseUntil ?? ''), 'its lease does not end');
    await jobs.provision({ id: 'acme' } as never);
    await jobs.work();
    await until(async () => (await manager.catalog.find('acme'))?.status === 'active', 'nobody finishes it');
    await jobs.stop();
    const [finished] = await manager.operations({ tenantId: 'acme' });
    expect(finished?.state).toBe('done');
    expect(finished?.id).toBe(operation?.id);
    // Beside the template that the other process, whose classes are compiled otherwise, has not finished.
    const databases = (await world.databases()).filter((name) => !name.includes('_building_'));
    expect(databases).toEqual([world.databaseOf('acme')]);
  }, 60_000);
});
