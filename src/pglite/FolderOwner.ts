import { mkdir, open, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { TenancyConfigurationError } from '../errors.ts';

/**
 * Has a folder of data for this process alone: two PGlites over one folder would destroy it, and PGlite does not look. The
 * file says whose it is; one of a process that is gone is taken over. Gives what frees it. Throws
 * `TenancyConfigurationError` while somebody has it, be it another manager of this process.
 */
export async function ownFolder(folder: string): Promise<() => Promise<void>> {
  const path = `${folder}.pid`;
  while (!(await made(path))) {
    const owner = await ownerIn(path);
    if (owner === undefined) {
      // Let go in the meantime.
      continue;
    }
    if (owner !== 0 && isAlive(owner)) {
      const why =
        owner === process.pid ? 'is open in this process, by another manager' : `is open in the process ${owner}`;
      throw refusal(folder, why, path);
    }
    // Whoever makes the file writes into it next.
    if (owner === 0 || !(await takenOver(path, owner))) {
      throw refusal(folder, 'is being opened by another process', path);
    }
    break;
  }
  return () => rm(path, { force: true });
}

/** Makes the file with this process in it, unless it is there. */
async function made(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    return unlessCode(error, 'EEXIST', false);
  }
}

/** The process in the file, 0 where it has none yet, or `undefined` where there is no file. */
async function ownerIn(path: string): Promise<number | undefined> {
  try {
    return Number(await readFile(path, 'utf8')) || 0;
  } catch (error) {
    return unlessCode(error, 'ENOENT', undefined);
  }
}

/**
 * Writes this process over one that is gone. Several may find it gone at once: the file stays where it is, so that nobody makes
 * it anew, and a folder beside it lets one of them write.
 */
async function takenOver(path: string, gone: number): Promise<boolean> {
  const turn = `${path}.taking`;
  try {
    await mkdir(turn);
  } catch (error) {
    return unlessCode(error, 'EEXIST', false);
  }
  try {
    const isStill = (await ownerIn(path)) === gone;
    await (isStill ? writeFile(path, String(process.pid)) : undefined);
    return isStill;
  } finally {
    await rmdir(turn);
  }
}

function unlessCode<R>(error: unknown, code: string, expected: R): R {
  if ((error as { readonly code?: unknown }).code === code) {
    return expected;
  }
  throw error;
}

function refusal(folder: string, why: string, path: string): TenancyConfigurationError {
  return new TenancyConfigurationError(
    `The data folder ${folder} ${why}. PGlite's data has one user at a time: use one manager in one process. If there is ` +
      `none, remove ${path} and ${path}.taking.`,
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process may not be asked, and is there.
    return (error as { readonly code?: unknown }).code === 'EPERM';
  }
}
