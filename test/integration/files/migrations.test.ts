import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  MigrationLockTimeoutError,
  type TenancyEvents,
  TenantClosedError,
  TenantUnavailableError,
} from 'mikro-orm-multitenancy';
import { KINDS } from '../../support/files/kinds.ts';
import { Migration003Broken, migrationsList, names } from '../../support/files/migrations.ts';
import { SqliteWorld } from '../../support/files/SqliteWorld.ts';
import { until } from '../../support/manager/TestTenants.ts';
import { runProgram } from '../../support/runProgram.ts';

const orm = { migrations: { migrationsList } };
const notes = (world: SqliteWorld, id: string) =>
  world.query(id, (file) =>
    file
      .prepare('select note from counter order by id')
      .all([])
      .map((row) => (row as { note: string }).note),
  );

describe.each(KINDS)("%s: a tenant's migrations", (name, kind) => {
  it('are applied once by eight callers of one process', async () => {
    await using world = await SqliteWorld.create({ kind, ids: ['acme'], orm, isFilled: false });
    const applied: TenancyEvents['migration:applied'][] = [];
    world.manager.events.on('migration:applied', (event) => applied.push(event));
    expect((await world.manager.migrator('acme').getPending()).map(({ name }) => name)).toEqual(names);
    expect(await world.manager.migrator('acme').getExecuted()).toEqual([]);
    const results = await Promise.all(Array.from({ length: 8 }, () => world.manager.migrator('acme').up()));
    expect(results.map((done) => done.length)).toEqual([2, 0, 0, 0, 0, 0, 0, 0]);
    expect(notes(world, 'acme')).toEqual(['applied']);
    expect(applied).toEqual([{ tenantId: 'acme', migrations: names, tookMs: expect.any(Number) }]);
    expect(await world.manager.migrator('acme').getPending()).toEqual([]);
    const executed = await world.manager.migrator('acme').getExecuted();
    expect(executed.map(({ name }) => name)).toEqual(names);
    const [first] = executed;
    expect(Math.abs(Date.now() - Number(first?.executed_at))).toBeLessThan(60_000);
    world.assertNothingHeld();
  });

  it('are applied once by several processes, each with several callers', async () => {
    await using world = await SqliteWorld.create({ kind, ids: ['acme'], orm, isFilled: false });
    const outputs = await Promise.all(
      [1, 2].map(() => runProgram('files/migrateProgram.ts', [name, world.folder, 'acme_db', '3'])),
    );
    expect(outputs.flatMap(({ stdout }) => JSON.parse(stdout) as string[]).sort()).toEqual(names);
    expect(notes(world, 'acme')).toEqual(['applied']);
  });

  it('wait for the lock of another process as long as they may, and have it once that was killed', async () => {
    await using world = await SqliteWorld.create({
      kind,
      ids: ['acme'],
      orm,
      isFilled: false,
      manager: { migrationLockTimeoutMs: 200 },
    });
    const support = join(import.meta.dirname, '../../support');
    const other = spawn(
      process.execPath,
      [
        ...['--disable-warning=ExperimentalWarning', '--import', join(support, 'resolveSource.mjs')],
        ...[join(support, 'files/migrateProgram.ts'), name, world.folder, 'acme_db', 'hold'],
      ],
      { env: { ...process.env, NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    try {
      await once(other.stdout, 'data');
      await expect(world.manager.migrator('acme').up()).rejects.toThrow(MigrationLockTimeoutError);
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
    expect(await world.manager.migrator('acme').up()).toHaveLength(2);
    expect(notes(world, 'acme')).toEqual(['applied']);
  });

  it('are undone as a whole when one fails, and taken back by down()', async () => {
    await using world = await SqliteWorld.create({
      kind,
      ids: ['acme', 'globex'],
      isFilled: false,
      orm: { migrations: { migrationsList: [...migrationsList, Migration003Broken] } },
    });
    await expect(world.manager.migrator('acme').up()).rejects.toThrow('missing_table');
    expect(await world.manager.migrator('acme').getExecuted()).toEqual([]);
    expect(await world.manager.migrator('acme').up({ to: names[1] as string })).toHaveLength(2);
    expect((await world.manager.migrator('acme').down()).map(({ name }) => name)).toEqual([names[1]]);
    expect(notes(world, 'acme')).toEqual([]);
    // The other one has nothing of it.
    expect(await world.manager.migrator('globex').getExecuted()).toEqual([]);
    world.assertNothingHeld();
  });

  it('of all tenants are applied by each()', async () => {
    await using world = await SqliteWorld.create({ kind, ids: ['a', 'b', 'c', 'd'], orm, isFilled: false });
    const results = await world.manager.each((_em, { id }) => world.manager.migrator(id).up());
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true, true]);
    expect(['a', 'b', 'c', 'd'].map((id) => notes(world, id))).toEqual([
      ['applied'],
      ['applied'],
      ['applied'],
      ['applied'],
    ]);
  });

  it('run while a request of the same tenant is in a transaction that reads, and refuse an archived tenant', async () => {
    await using world = await SqliteWorld.create({ kind, ids: ['acme'], orm, isFilled: false });
    await world.manager.run('acme', (em) =>
      em.transactional(
        async (inner) => {
          await inner.execute('select 1');
          expect(await world.manager.migrator('acme').up()).toHaveLength(2);
        },
        { readOnly: true },
      ),
    );
    world.setStatus('acme', 'archived');
    await expect(world.manager.migrator('acme').up()).rejects.toThrow(TenantUnavailableError);
  });

  it('keep requests away, or are applied on access, as versionGate says', async () => {
    await using refusing = await SqliteWorld.create({
      kind,
      ids: ['acme'],
      orm,
      isFilled: false,
      manager: { versionGate: { requires: 'latest', whenBehind: 'refuse' } },
    });
    await expect(refusing.manager.run('acme', () => 1)).rejects.toMatchObject({ code: 'TENANT_BEHIND' });
    await refusing.manager.migrator('acme').up();
    expect(await refusing.manager.run('acme', () => 1)).toBe(1);
    await using migrating = await SqliteWorld.create({
      kind,
      ids: ['acme'],
      orm,
      isFilled: false,
      manager: { versionGate: { requires: 'latest', whenBehind: 'migrate' } },
    });
    await Promise.all([1, 2, 3].map(() => migrating.manager.run('acme', (em) => em.execute('select * from counter'))));
    expect(notes(migrating, 'acme')).toEqual(['applied']);
  });
});
