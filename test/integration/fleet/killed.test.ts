import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FleetReport } from 'mikro-orm-multitenancy';
import { BundledProgram } from '../../support/BundledProgram.ts';
import { serverUrl } from '../../support/databases.ts';
import { FLEET_NAMES, type FleetManager, FleetWorld } from '../../support/fleet/FleetWorld.ts';
import type { FleetProgram } from '../../support/fleet/fleetProgram.ts';
import { runProgram } from '../../support/runProgram.ts';

type Lived = { readonly statements: number; readonly report: FleetReport };

/** Runs the program, and gives what it printed; `undefined` where it was killed. */
async function lives(program: FleetProgram, bundled: BundledProgram): Promise<Lived | undefined> {
  try {
    const { stdout } = await runProgram(bundled, [JSON.stringify(program)]);
    return JSON.parse(stdout) as Lived;
  } catch (error) {
    if ((error as { readonly signal?: string }).signal === 'SIGKILL') {
      return undefined;
    }
    throw error;
  }
}

/** Calls `walk` with 1, 2, 3 and so on, two at a time, until one of them lives. Gives how many were killed. */
async function walkAll(walk: (step: number) => Promise<boolean>): Promise<number> {
  let [step, lived] = [0, false];
  const walker = async (): Promise<void> => {
    while (!lived) {
      step += 1;
      const own = step;
      if (await walk(own)) {
        lived = true;
      }
    }
  };
  await Promise.all([walker(), walker()]);
  return step - 2;
}

const programOf = (world: FleetWorld, ids: readonly string[]): FleetProgram => ({
  server: serverUrl(),
  central: world.central,
  prefix: world.prefix,
  ids,
});

/** The run of these tenants that the ledger has. */
async function runOf(world: FleetWorld, ids: readonly string[], kind: string): Promise<string | undefined> {
  const [run] = await world.ledger<{ id: string }>(
    `select run.id from tenancy_fleet_runs run join tenancy_fleet_items item on item.run_id = run.id
     where item.tenant_id = $1 and run.kind = $2`,
    [ids[0], kind],
  );
  return run?.id;
}

const WALKS = 60;

describe('a worker that is killed', () => {
  let bundled: BundledProgram;
  beforeAll(async () => {
    bundled = await BundledProgram.of('fleet/fleetProgram.ts');
  });
  afterAll(() => bundled[Symbol.dispose]());

  it('at any statement of a run leaves each migration to be applied exactly once, and a ledger that agrees', async () => {
    await using world = await FleetWorld.create(WALKS);
    const manager = await world.manager({ ormMigrations: { allOrNothing: false } });
    const killed = await walkAll(async (step) => {
      const ids = world.ids.slice(step - 1, step);
      const lived = await lives({ ...programOf(world, ids), killAt: step, allOrNothing: false }, bundled);
      const run = await runOf(world, ids, 'migrate');
      const report = await goOn(manager, run, ids);
      expect([step, report.state, report.counts.done]).toEqual([step, 'finished', 1]);
      const [id = ''] = ids;
      expect([step, await world.executed(id)]).toEqual([step, FLEET_NAMES]);
      expect([step, await world.notes(id)]).toEqual([step, ['002', '003']]);
      expect([step, report.items[0]?.migrations.map(({ name }) => name)]).toEqual([step, FLEET_NAMES]);
      return lived !== undefined;
    });
    expect(killed).toBeGreaterThan(25);
  }, 240_000);

  it('at any statement of a rollback leaves each migration to be taken back, and a ledger that agrees', async () => {
    await using world = await FleetWorld.create(WALKS);
    const manager = await world.manager();
    const killed = await walkAll(async (step) => {
      const ids = world.ids.slice(step - 1, step);
      const { id: run = '' } = await manager.fleet.migrate({ ids });
      const lived = await lives({ ...programOf(world, ids), takesBack: run, killAt: step }, bundled);
      const rollback = await runOf(world, ids, 'rollback');
      const report =
        rollback === undefined
          ? await manager.fleet.rollback(run)
          : await manager.fleet.resume(rollback, { leaseMs: 400 });
      expect([step, report.state, report.counts.done]).toEqual([step, 'finished', 1]);
      expect([step, await world.executed(ids[0] ?? '')]).toEqual([step, []]);
      expect([step, report.items[0]?.migrations.map(({ name }) => name)]).toEqual([step, FLEET_NAMES]);
      return lived !== undefined;
    });
    expect(killed).toBeGreaterThan(20);
  }, 240_000);
});

async function goOn(manager: FleetManager, run: string | undefined, ids: readonly string[]): Promise<FleetReport> {
  return run === undefined ? manager.fleet.migrate({ ids }) : manager.fleet.resume(run, { leaseMs: 400 });
}
