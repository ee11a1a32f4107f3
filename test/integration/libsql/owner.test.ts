import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { chmod, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import Database from 'libsql';
import { TenancyConfigurationError, TenantConnectionError } from 'mikro-orm-multitenancy';
import { libsqlDatabases } from 'mikro-orm-multitenancy/libsql';
import { ROOT } from '../../support/docs.ts';
import { Person } from '../../support/isolation/entities.ts';
import { LibsqlWorld } from '../../support/libsql/LibsqlWorld.ts';
import { until } from '../../support/manager/TestTenants.ts';
import { runProgram } from '../../support/runProgram.ts';

const PROGRAM = 'libsql/holdProgram.ts';
const WAL = 'pragma journal_mode = wal';

/** A process that has the tenant's file open, in a transaction that has written. */
async function holding(world: LibsqlWorld): Promise<ChildProcess> {
  const support = join(import.meta.dirname, '../../support');
  const child = spawn(
    process.execPath,
    [
      ...['--disable-warning=ExperimentalWarning', '--import', join(support, 'resolveSource.mjs')],
      ...[join(support, PROGRAM), world.folder, world.databaseOf('acme')],
    ],
    { env: { ...process.env, NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  expect(String(said).trim()).toBe('held');
  return child;
}

const read = (world: LibsqlWorld) => world.manager.run('acme', (em) => em.count(Person));

/** A file that could not be opened is not tried again at once. */
const readsAgain = (world: LibsqlWorld) =>
  until(
    () =>
      read(world).then(
        () => true,
        () => false,
      ),
    'the file is not served',
  );

describe('a file of libSQL', () => {
  it('has one manager at a time, and the next one when it is closed', async () => {
    await using world = await LibsqlWorld.create({ ids: ['acme'] });
    const other = await world.another({ orm: { migrations: {} } });
    expect(await read(world)).toBe(3);
    const refused = other.run('acme', (em) => em.count(Person));
    await expect(refused).rejects.toThrow(TenantConnectionError);
    await expect(refused).rejects.toMatchObject({ status: 503, retryAfterSeconds: 1 });
    await expect(refused).rejects.toThrow('is open in another process, or by another manager of this one');
    await expect(world.databases.drop('acme_db')).rejects.toThrow(TenancyConfigurationError);
    await other.close();
    expect(await read(world)).toBe(3);
    await world.manager.evict('acme');
    const next = await world.another({ orm: { migrations: {} } });
    expect(await next.run('acme', (em) => em.count(Person))).toBe(3);
    await next.close();
  });

  it('has one process at a time, and that of a process that was killed is taken over, without what it had begun', async () => {
    await using world = await LibsqlWorld.create({ ids: ['acme', 'globex'] });
    const { manager } = world;
    await manager.evict('acme');
    const owner = await holding(world);
    try {
      await expect(read(world)).rejects.toThrow('is open in another process');
      await expect(manager.migrator('acme').getPending()).rejects.toThrow(TenantConnectionError);
      await expect(world.databases.drop('acme_db')).rejects.toThrow('is open, in this process or another one');
      expect(await manager.run('globex', (em) => em.count(Person))).toBe(3);
    } finally {
      owner.kill('SIGKILL');
      await once(owner, 'exit');
    }
    await readsAgain(world);
    await manager.run('acme', (em) => em.insert(Person, { id: 100, name: 'new' }));
    expect(await world.rows('acme', 'select id from person order by id')).toEqual([1, 2, 3, 100].map((id) => ({ id })));
  });

  it('is not given to another process while this one has it', async () => {
    await using world = await LibsqlWorld.create({ ids: ['acme'] });
    expect(await read(world)).toBe(3);
    const { stdout } = await runProgram(PROGRAM, [world.folder, 'acme_db']);
    expect(stdout).toContain('TenantConnectionError');
    expect(stdout).toContain('is open in another process');
    expect(await read(world)).toBe(3);
  });

  it("stays its owner's when this process reads it, which takes the lock of the file itself away", async () => {
    await using world = await LibsqlWorld.create({ ids: ['acme'] });
    expect(await read(world)).toBe(3);
    await copyFile(world.pathOf('acme'), join(world.folder, 'copy'));
    const { stdout } = await runProgram(PROGRAM, [world.folder, 'acme_db']);
    expect(stdout).toContain('is open in another process');
  });

  it('that another program has open is refused as a whole, and nothing of that is left when it is free', async () => {
    await using world = await LibsqlWorld.create({ ids: ['acme'] });
    await world.manager.evict('acme');
    const other = new Database(world.pathOf('acme'));
    other.exec(`${WAL}; select * from person`);
    const refused = read(world);
    await expect(refused).rejects.toThrow('another program has');
    await expect(refused).rejects.toMatchObject({ code: 'TENANT_CONNECTION_FAILED' });
    // The other one can still write, which a lock that was left would prevent.
    other.exec("insert into person (id, name) values (200, 'of the other program')");
    other.close();
    await readsAgain(world);
    await world.manager.run('acme', (em) => em.insert(Person, { id: 201, name: 'new' }));
    expect(await world.count('acme', 'person')).toBe(5);
  });

  it('keeps other programs out as long as it is open, and not any longer', async () => {
    await using world = await LibsqlWorld.create({ ids: ['acme'] });
    expect(await read(world)).toBe(3);
    const other = new Database(world.pathOf('acme'));
    expect(() => other.exec('select * from person')).toThrow('database is locked');
    await world.manager.evict('acme');
    other.exec("update person set name = 'of the other program' where id = 1");
    other.close();
    const name = await world.manager.run('acme', async (em) => (await em.findOneOrFail(Person, 1)).name);
    expect(name).toBe('of the other program');
  });

  it('that was in WAL mode, and left by a crash, is read as it was', async () => {
    await using world = await LibsqlWorld.create({ ids: ['acme'] });
    await world.manager.evict('acme');
    const crash = `new (require('libsql'))(process.argv[1]).exec(process.argv[2]); process.kill(process.pid, 'SIGKILL')`;
    const statements = `${WAL}; insert into person (id, name) values (300, 'in the log')`;
    const { signal } = spawnSync(process.execPath, ['-e', crash, world.pathOf('acme'), statements], { cwd: ROOT });
    expect(signal).toBe('SIGKILL');
    expect(existsSync(`${world.pathOf('acme')}-wal`)).toBe(true);
    expect(await read(world)).toBe(4);
    expect(await world.manager.run('acme', (em) => em.execute('pragma journal_mode'))).toEqual([
      { journal_mode: 'delete' },
    ]);
    await world.manager.evict('acme');
    expect(existsSync(`${world.pathOf('acme')}-wal`)).toBe(false);
  });

  it('that may not be written is read, and a write is refused by libSQL', async () => {
    await using world = await LibsqlWorld.create({ ids: ['acme'] });
    await world.manager.evict('acme');
    await chmod(world.pathOf('acme'), 0o444);
    // Its lock is made by who opens it first.
    await chmod(`${world.pathOf('acme')}-lock`, 0o666);
    await chmod(world.folder, 0o777);
    const { stdout } = await runProgram('libsql/readonlyProgram.ts', [world.folder, 'acme_db']);
    const three = [{ n: 3 }];
    expect(JSON.parse(stdout)).toEqual([three, 'ReadOnlyException', three, three, 'TenantReadOnlyError', three]);
  });

  it('is not made by a manager that finds it dropped', async () => {
    await using world = await LibsqlWorld.create({ ids: ['acme'] });
    const others = libsqlDatabases({ folder: world.folder });
    await world.manager.evict('acme');
    await others.drop('acme_db');
    await expect(read(world)).rejects.toMatchObject({ code: 'TENANT_DATABASE_MISSING' });
    expect(await others.exists('acme_db')).toBe(false);
    await others.create('acme_db');
  });
});

const openFiles = (folder: string): number =>
  readdirSync('/proc/self/fd').filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).startsWith(folder);
    } catch {
      return false;
    }
  }).length;

(existsSync('/proc/self/fd') ? describe : describe.skip)('closed files of libSQL', () => {
  it('do not wait for V8 in any number, however many tenants come and go', async () => {
    const ids = Array.from({ length: 16 }, (_, n) => `t${n}`);
    const maxOpen = 2;
    await using world = await LibsqlWorld.create({ ids, files: { maxOpen }, isFilled: false });
    let most = 0;
    for (const id of ids) {
      expect(await world.manager.run(id, (em) => em.execute('select 1 as one'))).toEqual([{ one: 1 }]);
      most = Math.max(most, openFiles(world.folder));
    }
    // Of each that is open: the database, its journal and its lock. Left to V8, all the others would still be there.
    expect(most).toBeLessThan(3 * maxOpen + ids.length / 2);
  });
});
