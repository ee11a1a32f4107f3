import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import type { Constructor } from '@mikro-orm/core';
import type { Migration } from '@mikro-orm/migrations';
import { MigrationLockTimeoutError, type TenancyEvents, TenantClosedError } from 'mikro-orm-multitenancy';
import { until } from '../manager/TestTenants.ts';
import { runProgram } from '../runProgram.ts';
import type { KindWorld } from './KindWorld.ts';

interface CaseOptions {
  readonly ids: readonly string[];
  readonly orm: { readonly migrations: { readonly migrationsList: Constructor<Migration>[] } };
  readonly isFilled: false;
  readonly manager?: {
    readonly migrationLockTimeoutMs?: number;
    readonly versionGate?: { readonly requires: 'latest'; readonly whenBehind: 'refuse' | 'migrate' };
  };
}

/** What is written down by a migration that has run: once, if it ran once. */
export const notes = async (world: KindWorld, id: string): Promise<string[]> =>
  (await world.rows<{ note: string }>(id, 'select note from counter order by id')).map(({ note }) => note);

type List = CaseOptions['orm']['migrations']['migrationsList'];
type Create = (options: CaseOptions) => Promise<KindWorld>;

const worldsOf = (list: List, create: Create) => {
  const orm = { migrations: { migrationsList: list } };
  return {
    names: list.map(({ name }) => name),
    orm,
    worldOf: (ids: readonly string[], manager: CaseOptions['manager'] = {}) =>
      create({ ids, orm, isFilled: false, manager }),
  };
};

/** Migrations of tenants, the same for each kind of database. `list` makes the table `counter` and writes into it. */
export function itMigrates(list: List, create: Create): void {
  const { names, worldOf } = worldsOf(list, create);

  it('are applied once by eight callers of one process', async () => {
    await using world = await worldOf(['acme']);
    const applied: TenancyEvents['migration:applied'][] = [];
    world.manager.events.on('migration:applied', (event) => applied.push(event));
    expect((await world.manager.migrator('acme').getPending()).map(({ name }) => name)).toEqual(names);
    expect(await world.manager.migrator('acme').getExecuted()).toEqual([]);
    const results = await Promise.all(Array.from({ length: 8 }, () => world.manager.migrator('acme').up()));
    expect(results.map((done) => done.length)).toEqual([2, 0, 0, 0, 0, 0, 0, 0]);
    expect(await notes(world, 'acme')).toEqual(['applied']);
    expect(applied).toEqual([{ tenantId: 'acme', migrations: names, tookMs: expect.any(Number) }]);
    expect(await world.manager.migrator('acme').getPending()).toEqual([]);
    const executed = await world.manager.migrator('acme').getExecuted();
    expect(executed.map(({ name }) => name)).toEqual(names);
    expect(Math.abs(Date.now() - Number(executed[0]?.executed_at))).toBeLessThan(60_000);
    await world.assertNothingHeld();
  });

  it('of all tenants are applied by each()', async () => {
    const ids = ['a', 'b', 'c', 'd'];
    await using world = await worldOf(ids);
    const results = await world.manager.each((_em, { id }) => world.manager.migrator(id).up());
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true, true]);
    expect(await Promise.all(ids.map((id) => notes(world, id)))).toEqual(ids.map(() => ['applied']));
  });

  it('keep requests away, or are applied on access, as versionGate says', async () => {
    const gated = (whenBehind: 'refuse' | 'migrate') =>
      worldOf(['acme'], { versionGate: { requires: 'latest', whenBehind } });
    await using refusing = await gated('refuse');
    await expect(refusing.manager.run('acme', () => 1)).rejects.toMatchObject({ code: 'TENANT_BEHIND' });
    await refusing.manager.migrator('acme').up();
    expect(await refusing.manager.run('acme', () => 1)).toBe(1);
    await using migrating = await gated('migrate');
    await Promise.all([1, 2, 3].map(() => migrating.manager.run('acme', (em) => em.execute('select * from counter'))));
    expect(await notes(migrating, 'acme')).toEqual(['applied']);
  });
}

/** The same where several processes may have a tenant's database open. */
export function itMigratesAcrossProcesses(list: List, create: Create): void {
  const { names, orm, worldOf } = worldsOf(list, create);

  it('are applied once by several processes, each with several callers', async () => {
    await using world = await worldOf(['acme']);
    const program = [...world.place, world.databaseOf('acme'), '3'];
    const outputs = await Promise.all([1, 2].map(() => runProgram('kinds/migrateProgram.ts', program)));
    expect(outputs.flatMap(({ stdout }) => JSON.parse(stdout) as string[]).sort()).toEqual(names);
    expect(await notes(world, 'acme')).toEqual(['applied']);
  });

  it('wait for the lock of another process as long as they may, and have it once that was killed', async () => {
    await using world = await worldOf(['acme', 'globex'], { migrationLockTimeoutMs: 200 });
    const support = join(import.meta.dirname, '..');
    const other = spawn(
      process.execPath,
      [
        ...['--disable-warning=ExperimentalWarning', '--import', join(support, 'resolveSource.mjs')],
        ...[join(support, 'kinds/migrateProgram.ts'), ...world.place, world.databaseOf('acme'), 'hold'],
      ],
      { env: { ...process.env, NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    try {
      await once(other.stdout, 'data');
      await expect(world.manager.migrator('acme').up()).rejects.toThrow(MigrationLockTimeoutError);
      // The lock is of the one database.
      expect(await world.manager.migrator('globex').up()).toHaveLength(2);
      // Who waits is turned away when the manager closes.
      const patient = await world.another({ orm });
      const waiting = expect(patient.migrator('acme').up()).rejects.toThrow(TenantClosedError);
      await until(async () => patient.stats().servers['default']?.reserved.inUse === 1, 'nobody waits');
      await patient.close({ timeoutMs: 0 });
      await waiting;
      // What only reads takes no lock.
      expect(await world.manager.migrator('acme').getPending()).toHaveLength(2);
    } finally {
      other.kill('SIGKILL');
      await once(other, 'exit');
    }
    // A server may take a moment to hear of it.
    const isMigrated = async (): Promise<boolean> => {
      try {
        return (await world.manager.migrator('acme').up()).length === 2;
      } catch (error) {
        expect(error).toBeInstanceOf(MigrationLockTimeoutError);
        return false;
      }
    };
    await until(isMigrated, 'the lock of a process that is gone is kept');
    expect(await notes(world, 'acme')).toEqual(['applied']);
  });
}
