import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { MigrationObject } from '@mikro-orm/core';
import { Migration } from '@mikro-orm/migrations';
import { MigrationFiles } from '../../../src/migrations/MigrationFiles.ts';
import { OrmTemplate } from '../../../src/orm/OrmTemplate.ts';
import type { TenantOrmOptions } from '../../../src/orm/TenantOrmOptions.ts';
import { migrationsList, names } from '../../support/migrations/migrations.ts';

async function filesOf(migrations: TenantOrmOptions['migrations']): Promise<MigrationFiles> {
  const options = { entities: [], discovery: { warnWhenNoEntities: false }, migrations } as unknown as TenantOrmOptions;
  const { orm } = await OrmTemplate.build(options, true);
  return new MigrationFiles(orm);
}

async function checksumsOf(migrations: TenantOrmOptions['migrations']): Promise<string[]> {
  return (await (await filesOf(migrations)).withChecksums()).map(({ checksum }) => checksum);
}

async function inFolder(work: (path: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'migration-files-'));
  try {
    await work(path);
  } finally {
    await rm(path, { recursive: true });
  }
}

describe('the migrations that an application knows', () => {
  it('are those of its list, in its order, with a checksum of each class', async () => {
    const known = await (await filesOf({ migrationsList })).withChecksums();
    expect(known.map(({ name }) => name)).toEqual(names);
    expect(known.every(({ checksum }) => /^class:[0-9a-f]{64}$/.test(checksum))).toBe(true);
    expect(new Set(known.map(({ checksum }) => checksum)).size).toBe(names.length);
    expect(await checksumsOf({ migrationsList })).toEqual(known.map(({ checksum }) => checksum));
  });

  it('have the names that the list gives them', async () => {
    const list: MigrationObject[] = migrationsList.map((of, n) => ({ name: `${n}_migration.ts`, class: of }));
    const files = await filesOf({ migrationsList: list });
    expect(await files.list()).toEqual(names.map((_name, n) => ({ name: `${n}_migration` })));
    expect(await checksumsOf({ migrationsList: list })).toEqual(await checksumsOf({ migrationsList }));
  });

  it('are edited when the source of a class is another one', async () => {
    const first = class Migration001 extends Migration {
      override up(): void {
        this.addSql('select 1');
      }
    };
    const second = class Migration001 extends Migration {
      override up(): void {
        this.addSql('select 2');
      }
    };
    expect(await checksumsOf({ migrationsList: [first] })).not.toEqual(await checksumsOf({ migrationsList: [second] }));
  });

  it('are the files of a folder, by name, with a checksum that an edit changes and an end of line does not', async () => {
    await inFolder(async (path) => {
      await writeFile(join(path, 'Migration2.ts'), 'two\n');
      await writeFile(join(path, 'Migration1.ts'), 'one\nmore\n');
      await writeFile(join(path, 'Migration3.js'), 'two\n');
      const options = { path, glob: '!(*.d).{ts,js}' };
      const before = await (await filesOf(options)).withChecksums();
      expect(before.map(({ name }) => name)).toEqual(['Migration1', 'Migration2', 'Migration3']);
      expect(before.map(({ checksum }) => checksum.slice(0, 3))).toEqual(['ts:', 'ts:', 'js:']);
      expect(await readFile(before[0]?.path ?? '', 'utf8')).toBe('one\nmore\n');
      await writeFile(join(path, 'Migration1.ts'), 'one\r\nmore\r\n');
      expect(await checksumsOf(options)).toEqual(before.map(({ checksum }) => checksum));
      await appendFile(join(path, 'Migration2.ts'), 'edited');
      const after = await checksumsOf(options);
      expect(after.map((checksum, n) => checksum === before[n]?.checksum)).toEqual([true, false, true]);
    });
  });

  it('are none where their folder is not there, which is not created', async () => {
    await inFolder(async (path) => {
      expect(await (await filesOf({ path: join(path, 'missing') })).list()).toEqual([]);
      expect(await readdir(path)).toEqual([]);
    });
  });
});
