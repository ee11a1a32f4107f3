import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, lstat, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StartError } from '../StartError.ts';

/** Kept over restarts of the machine, unlike /tmp. */
const OUTSIDE = '/var/tmp';
const WRITABLE_BY_OTHERS = 0o022;

/**
 * A folder of root's that everybody may enter, for a checkout in one that is closed, as `/root` is. The same for the same
 * checkout. Throws {@link StartError} where somebody else has made it, who could put programs of his own there.
 */
export async function outsideFolder(checkout: string, below = OUTSIDE): Promise<string> {
  const hash = createHash('sha256').update(checkout).digest('hex').slice(0, 12);
  const folder = join(below, `mikro-orm-multitenancy-${hash}`);
  const isNew = await mkdir(folder).then(
    () => true,
    (error: unknown) => {
      if ((error as { readonly code?: unknown }).code !== 'EEXIST') {
        throw new StartError(`${folder} cannot be made: ${(error as Error).message}. Move the checkout to below /srv.`);
      }
      return false;
    },
  );
  if (isNew) {
    // Whatever the umask is.
    await chmod(folder, 0o755);
  }
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & WRITABLE_BY_OTHERS) !== 0) {
    throw new StartError(`${folder} belongs to somebody else. Remove it, or move the checkout to below /srv.`);
  }
  return folder;
}

/** Copies PostgreSQL's programs and what they need, unless this version of them is there. Gives where they are. */
export async function copiedPrograms(from: string, outside: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(from, '../package.json'), 'utf8')) as { readonly version: string };
  const to = join(outside, `postgres-${manifest.version}`);
  if (!existsSync(to)) {
    const unfinished = `${to}.unfinished`;
    await rm(unfinished, { recursive: true, force: true });
    await cp(from, unfinished, { recursive: true, verbatimSymlinks: true });
    await chmod(unfinished, 0o755);
    await rename(unfinished, to);
  }
  return to;
}
