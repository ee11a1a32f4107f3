import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ownFolder } from '../../../src/pglite/FolderOwner.ts';

/** Above what Linux gives to any process. */
const NOBODY = String(2 ** 22 + 1);

describe('the owner of a data folder', () => {
  let root: string;
  let folder: string;
  let file: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'tenancy-owner-'));
    folder = join(root, 'acme');
    file = `${folder}.pid`;
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('is one at a time, and the next one once it has let go', async () => {
    const free = await ownFolder(folder);
    await expect(ownFolder(folder)).rejects.toThrow('is open in this process, by another manager');
    await free();
    expect(existsSync(file)).toBe(false);
    await (await ownFolder(folder))();
  });

  it('is one of those who find that the last one is gone', async () => {
    for (let round = 0; round < 50; round += 1) {
      await writeFile(file, NOBODY);
      const all = await Promise.allSettled(Array.from({ length: 8 }, () => ownFolder(folder)));
      const owners = all.filter((one) => one.status === 'fulfilled');
      expect(owners).toHaveLength(1);
      expect(await readFile(file, 'utf8')).toBe(String(process.pid));
      await owners[0]?.value();
    }
  });

  it('is not taken over while somebody else does so, or was killed doing so', async () => {
    await writeFile(file, NOBODY);
    await mkdir(`${file}.taking`);
    await expect(ownFolder(folder)).rejects.toThrow(`remove ${file} and ${file}.taking`);
    await rm(`${file}.taking`, { recursive: true });
    await (await ownFolder(folder))();
  });

  it('may be one that has made the file and written nothing yet', async () => {
    await writeFile(file, '');
    await expect(ownFolder(folder)).rejects.toThrow('is being opened by another process');
    await expect(ownFolder(folder)).rejects.toThrow(`remove ${file}`);
  });
});
