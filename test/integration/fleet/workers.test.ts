import { describe, expect, it } from '@jest/globals';
import type { FleetReport } from 'mikro-orm-multitenancy';
import { serverUrl } from '../../support/databases.ts';
import { FLEET_NAMES, FleetWorld } from '../../support/fleet/FleetWorld.ts';
import type { FleetProgram } from '../../support/fleet/fleetProgram.ts';
import { runProgram } from '../../support/runProgram.ts';

const PROGRAM = 'fleet/fleetProgram.ts';

async function reportOf(program: FleetProgram): Promise<FleetReport> {
  const { stdout } = await runProgram(PROGRAM, [JSON.stringify(program)]);
  return (JSON.parse(stdout) as { readonly report: FleetReport }).report;
}

const programOf = (world: FleetWorld): FleetProgram => ({
  server: serverUrl(),
  central: world.central,
  prefix: world.prefix,
  ids: world.ids,
});

async function expectEachOnce(world: FleetWorld): Promise<void> {
  for (const id of world.ids) {
    expect([id, await world.executed(id), await world.notes(id)]).toEqual([id, FLEET_NAMES, ['002', '003']]);
  }
}

describe('many workers', () => {
  it('of eight processes that each run over the same 50 tenants apply each migration once', async () => {
    await using world = await FleetWorld.create(50);
    const manager = await world.manager();
    for (const id of world.ids.slice(0, 10)) {
      await manager.migrator(id).up({ to: 'Migration001Counter' });
    }
    const reports = await Promise.all(Array.from({ length: 8 }, () => reportOf(programOf(world))));
    await expectEachOnce(world);
    expect(reports.map(({ state, counts }) => [state, counts.failed])).toEqual(reports.map(() => ['finished', 0]));
    const applied = reports.flatMap(({ items }) =>
      items.flatMap(({ tenantId, migrations }) => migrations.map(({ name }) => `${tenantId} ${name}`)),
    );
    expect(applied.length).toBe(new Set(applied).size);
    expect(applied.length).toBe(50 * 3 - 10);
  }, 120_000);

  it('share one run, and take over from one that is killed', async () => {
    await using world = await FleetWorld.create(16);
    const manager = await world.manager();
    const abort = new AbortController();
    manager.events.once('migration:applied', () => abort.abort());
    const { id: runId = '', counts } = await manager.fleet.migrate({ signal: abort.signal, concurrency: 1 });
    expect(counts.pending).toBe(15);
    await world.ledger("update tenancy_fleet_runs set state = 'running'");
    await expect(reportOf({ ...programOf(world), joins: runId, killAt: 20 })).rejects.toMatchObject({
      signal: 'SIGKILL',
    });
    const lost = await world.ledger<{ tenant_id: string }>(
      "select tenant_id from tenancy_fleet_items where run_id = $1 and state = 'running'",
      [runId],
    );
    expect(lost.length).toBeGreaterThan(0);
    const [report, other] = await Promise.all([
      manager.fleet.resume(runId, { concurrency: 1 }),
      reportOf({ ...programOf(world), joins: runId }),
    ]);
    expect(report).toMatchObject({ state: 'finished', counts: { done: 16, failed: 0 } });
    expect(other).toMatchObject({ id: runId, state: 'finished' });
    await expectEachOnce(world);
    const taken = report.items.filter(({ tenantId }) => lost.some(({ tenant_id: id }) => id === tenantId));
    expect(taken.map(({ attempts }) => attempts)).toEqual(lost.map(() => 2));
    const attempts = await world.ledger<{ outcome: string | null }>(
      'select outcome from tenancy_fleet_attempts where run_id = $1 and tenant_id = $2 order by attempt',
      [runId, lost[0]?.tenant_id],
    );
    expect(attempts).toEqual([{ outcome: null }, { outcome: 'done' }]);
  }, 120_000);

  it('that lost a tenant to another one write down nothing of it', async () => {
    await using world = await FleetWorld.create(1);
    const manager = await world.manager();
    const abort = new AbortController();
    manager.events.on('migration:applied', () => abort.abort());
    const settled: string[] = [];
    manager.events.on('fleet:tenant-settled', ({ tenantId }) => settled.push(tenantId));
    await world.ledger(`create function steal() returns trigger language plpgsql as $$ begin
      if old.executed_before is null and new.executed_before is not null then new.attempts := new.attempts + 1; end if;
      return new; end $$`);
    await world.ledger(
      'create trigger steal before update on tenancy_fleet_items for each row execute function steal()',
    );
    const report = await manager.fleet.migrate({ signal: abort.signal });
    expect(abort.signal.aborted).toBe(true);
    expect(settled).toEqual([]);
    expect(report.items[0]).toMatchObject({ state: 'running', migrations: [] });
    await world.ledger('drop trigger steal on tenancy_fleet_items');
    await world.ledger("update tenancy_fleet_items set lease_until = now() - interval '1 second'");
    const resumed = await manager.fleet.resume(report.id ?? '');
    expect(resumed.items[0]).toMatchObject({ state: 'done', from: undefined, to: 'Migration003More' });
    expect(resumed.items[0]?.migrations.map(({ name }) => name)).toEqual(FLEET_NAMES);
    expect(await world.notes('t00')).toEqual(['002', '003']);
  });
});
