import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DatabaseCopyError, TenantOperationError } from 'mikro-orm-multitenancy';
import { adminQuery } from '../../support/databases.ts';
import { House } from '../../support/manager/TestTenants.ts';
import { contentOf, EVERY_VALUE, Migration003EveryValue } from '../../support/provisioning/everyValue.ts';
import { type LifeManager, LifeWorld } from '../../support/provisioning/LifeWorld.ts';
import { LIFE_MIGRATIONS } from '../../support/provisioning/lifeOptions.ts';

const migrations = [...LIFE_MIGRATIONS, Migration003EveryValue];
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenancy-export-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function exported(manager: LifeManager, id: string, options = {}): Promise<string> {
  const file = join(folder, `${id}.ndjson`);
  await manager.export(id, createWriteStream(file), options);
  return file;
}

describe('export and import', () => {
  it('bring every value, key, sequence and view back as it was', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager({ migrations });
    await manager.provision({ id: 'acme' });
    for (const statement of EVERY_VALUE) {
      await adminQuery(statement, [], world.databaseOf('acme'));
    }
    const file = await exported(manager, 'acme');
    await manager.import({ id: 'again', domains: ['again.example.org'] }, () => createReadStream(file));
    const [was, is] = [await contentOf(world.databaseOf('acme')), await contentOf(world.databaseOf('again'))];
    expect(is).toEqual(was);
    expect(await manager.catalog.findByDomain('again.example.org')).toMatchObject({ id: 'again', status: 'active' });
  }, 60_000);

  it('write what people can read, a line for each row', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await adminQuery(
      "insert into house (address) values ('Elm Street 1'), (E'two\\nlines')",
      [],
      world.databaseOf('acme'),
    );
    const lines = (await readFile(await exported(manager, 'acme'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines[0]).toMatchObject({
      format: 'mikro-orm-multitenancy/1',
      tenantId: 'acme',
      migrations: ['Migration001House', 'Migration002Street'],
    });
    expect(lines).toContainEqual({ table: 'public.house', row: { id: 1, address: 'Elm Street 1' } });
    expect(lines).toContainEqual({ table: 'public.house', row: { id: 2, address: 'two\nlines' } });
    expect(lines.at(-1)).toMatchObject({ end: true, rows: { 'public.house': 2, 'public.street': 1 } });
  });

  it('bring back many rows, some at a time', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    const fill = "insert into house (address) select repeat('x', 300) || n from generate_series(1, 20000) n";
    await adminQuery(fill, [], world.databaseOf('acme'));
    const file = await exported(manager, 'acme');
    await manager.import({ id: 'again' }, () => createReadStream(file));
    expect(await manager.run('again', (em) => em.count(House))).toBe(20_000);
  }, 30_000);

  it('leave out what is asked for, and nothing that is not there', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await adminQuery("insert into house (address) values ('Elm Street 1')", [], world.databaseOf('acme'));
    const file = await exported(manager, 'acme', { without: ['public.house'] });
    expect(await readFile(file, 'utf8')).not.toContain('Elm Street');
    await manager.import({ id: 'again' }, () => createReadStream(file));
    expect(await manager.run('again', (em) => em.count(House))).toBe(0);
    await expect(exported(manager, 'acme', { without: ['house'] })).rejects.toThrow('Name them as public.house');
  });

  it('show one moment while the tenant goes on', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await adminQuery(
      "insert into house (address) select 'x' from generate_series(1, 2000)",
      [],
      world.databaseOf('acme'),
    );
    const to = new PassThrough({ highWaterMark: 100 });
    const exporting = manager.export('acme', to);
    await new Promise((resolve) => to.once('readable', resolve));
    await adminQuery(
      "insert into house (address) select 'later' from generate_series(1, 2000)",
      [],
      world.databaseOf('acme'),
    );
    const text = Buffer.concat((await to.toArray()) as Buffer[]).toString('utf8');
    await exporting;
    expect(text).toContain('"public.house":2000');
    expect(text).not.toContain('later');
  });

  it.each([
    ['is cut off', (lines: string[]) => lines.slice(0, -1), 'it was cut off'],
    ['lacks a line', (lines: string[]) => lines.toSpliced(2, 1), 'there were'],
    [
      'has a line that is none',
      (lines: string[]) => lines.toSpliced(2, 0, 'what is this'),
      'line 3: it is neither a row nor the end',
    ],
    [
      'has a row of no table',
      (lines: string[]) => lines.toSpliced(2, 0, '{"table":"public.nowhere","row":{}}'),
      'line 3: there is no table public.nowhere',
    ],
    [
      'has a value that does not fit',
      (lines: string[]) => lines.toSpliced(2, 0, '{"table":"public.house","row":{"id":"one","address":"x"}}'),
      'invalid input syntax',
    ],
    ['is something else', () => ['hello'], 'line 1 is not that of an export'],
    ['is empty', () => [], 'line 1 is not that of an export'],
    [
      'is of another release',
      (lines: string[]) => [(lines[0] ?? '').replace('Migration002Street', 'Migration009Future'), ...lines.slice(1)],
      'does not know (Migration009Future)',
    ],
  ])('refuse a file that %s, and leave nothing', async (_what, change, why) => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await adminQuery("insert into house (address) values ('one'), ('two')", [], world.databaseOf('acme'));
    const file = await exported(manager, 'acme');
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    await writeFile(file, change(lines).join('\n'));
    const failure = manager.import({ id: 'again' }, () => createReadStream(file));
    await expect(failure).rejects.toThrow(TenantOperationError);
    await expect(failure).rejects.toThrow(why);
    expect(await world.databases()).toEqual([world.databaseOf('acme')]);
    expect(await manager.catalog.find('again')).toBeUndefined();
  });

  it('fail where the file cannot be read or written, and leave nothing', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    await expect(manager.import({ id: 'again' }, () => createReadStream(join(folder, 'nowhere')))).rejects.toThrow();
    await expect(manager.import({ id: 'again' }, () => Readable.from([]))).rejects.toThrow('line 1');
    await expect(manager.export('acme', createWriteStream(join(folder, 'no/such/folder')))).rejects.toThrow('ENOENT');
    await expect(manager.export('acme', createWriteStream('/dev/full'))).rejects.toThrow('ENOSPC');
    expect(await world.databases()).toEqual([world.databaseOf('acme')]);
    await manager.archive('acme');
    await expect(manager.export('acme', new PassThrough())).rejects.toMatchObject({ code: 'TENANT_STATUS' });
  });

  it('say what a dump needs where PostgreSQL’s programs are not installed', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager({ provisioning: { copy: { programs: folder } } });
    await manager.provision({ id: 'acme' });
    const failure = manager.export('acme', new PassThrough(), { format: 'dump' });
    await expect(failure).rejects.toThrow(DatabaseCopyError);
    await expect(failure).rejects.toThrow(/this needs pg_dump and pg_restore of version \d+, and neither is found/);
  });
});
