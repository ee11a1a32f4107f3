import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWhere } from '../../support/describeWhere.ts';
import { contentOf, EVERY_VALUE, Migration003EveryValue } from '../../support/provisioning/everyValue.ts';
import { type LifeManager, LifeWorld } from '../../support/provisioning/LifeWorld.ts';
import { LIFE_MIGRATIONS } from '../../support/provisioning/lifeOptions.ts';
import { SystemPostgres } from '../../support/provisioning/SystemPostgres.ts';

const migrations = [...LIFE_MIGRATIONS, Migration003EveryValue];
const programs = SystemPostgres.programs ?? '';
const needed = { name: 'PostgreSQL', isInstalled: programs !== '', package: 'postgresql' };

describeWhere(needed, 'pg_dump and pg_restore', () => {
  let first: SystemPostgres;
  let second: SystemPostgres;

  beforeAll(async () => {
    [first, second] = await Promise.all([SystemPostgres.start(), SystemPostgres.start()]);
  }, 60_000);

  afterAll(async () => {
    await Promise.all([first[Symbol.asyncDispose](), second[Symbol.asyncDispose]()]);
  });

  const worldOf = (hasRoles = false) => LifeWorld.create({ url: first.url, otherUrl: second.url, hasRoles });

  async function filled(world: LifeWorld, manager: LifeManager): Promise<void> {
    await manager.provision({ id: 'acme', server: 'default' });
    for (const statement of EVERY_VALUE) {
      await first.query(statement, world.databaseOf('acme'));
    }
  }

  it('move a tenant with whatever it has, also what no migration made', async () => {
    await using world = await worldOf();
    const manager = await world.manager({ migrations, provisioning: { copy: { programs } } });
    await filled(world, manager);
    await first.query('create table by_hand (id int)', world.databaseOf('acme'));
    await first.query('insert into by_hand values (1)', world.databaseOf('acme'));
    const was = await contentOf(world.databaseOf('acme'), first.url);
    await manager.move('acme', { to: 'other' });
    expect(await contentOf(world.databaseOf('acme'), second.url)).toEqual(was);
    expect(await second.query('select id from by_hand', world.databaseOf('acme'))).toEqual([{ id: 1 }]);
  }, 60_000);

  it('move a tenant with its role', async () => {
    await using world = await worldOf(true);
    const manager = await world.manager({ migrations, provisioning: { copy: { programs, by: 'pg_dump' } } });
    await filled(world, manager);
    await manager.move('acme', { to: 'other' });
    const [row] = await manager.run('acme', (em) =>
      em.execute<{ user: string; rows: number }[]>(
        'select current_user as user, count(*)::int as rows from every_value group by 1',
      ),
    );
    expect(row).toMatchObject({ user: expect.stringContaining('_acme_'), rows: 2 });
    await manager.drop('acme');
  }, 60_000);

  it('write a dump, and make a tenant from it', async () => {
    await using world = await worldOf();
    const manager = await world.manager({ migrations, provisioning: { copy: { programs } } });
    await filled(world, manager);
    const folder = await mkdtemp(join(tmpdir(), 'tenancy-dump-'));
    try {
      const file = join(folder, 'acme.dump');
      await manager.export('acme', createWriteStream(file), { format: 'dump' });
      await manager.import({ id: 'again', server: 'other' }, () => createReadStream(file), { format: 'dump' });
      const was = await contentOf(world.databaseOf('acme'), first.url);
      expect(await contentOf(world.databaseOf('again'), second.url)).toEqual(was);
      const broken = manager.import({ id: 'broken', server: 'other' }, () => createReadStream(file, { end: 5_000 }), {
        format: 'dump',
      });
      await expect(broken).rejects.toThrow('pg_restore ended with');
      expect(await manager.catalog.find('broken')).toBeUndefined();
      expect(await world.databases(second.url)).toEqual([world.databaseOf('again')]);
    } finally {
      await rm(folder, { recursive: true });
    }
  }, 60_000);

  it('are not taken where they are older than the server, and a stream is taken instead', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager({ provisioning: { copy: { programs } } });
    await manager.provision({ id: 'acme' });
    await manager.clone('acme', { id: 'copy' });
    expect(await manager.catalog.find('copy')).toMatchObject({ status: 'active' });
    const strict = await world.manager({ provisioning: { copy: { programs, by: 'pg_dump' } } });
    await expect(strict.clone('acme', { id: 'other' })).rejects.toThrow('and those found are of version');
  });

  it('show no password in their arguments', async () => {
    await using world = await worldOf();
    const manager = await world.manager({ migrations, provisioning: { copy: { programs } } });
    await filled(world, manager);
    await first.query(
      "insert into house (address) select repeat('x', 1000) from generate_series(1, 50000)",
      world.databaseOf('acme'),
    );
    const { execFile } = await import('node:child_process');
    const { promisify } = await import('node:util');
    const seen: string[] = [];
    const timer = setInterval(() => {
      void promisify(execFile)('ps', ['-eo', 'args']).then(
        ({ stdout }) => seen.push(stdout),
        () => {},
      );
    }, 50);
    await manager.move('acme', { to: 'other' });
    clearInterval(timer);
    const commands = seen
      .join('\n')
      .split('\n')
      .filter((line) => /pg_(dump|restore) /.test(line));
    expect(commands.length).toBeGreaterThan(0);
    expect(commands.filter((line) => line.includes('password'))).toEqual(
      commands.filter((line) => line.includes('--no-password')),
    );
    expect(commands.join()).not.toContain(':password');
  }, 60_000);
});
