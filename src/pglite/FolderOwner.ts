import { open, readFile, rm } from 'node:fs/promises';
import { TenancyConfigurationError } from '../errors.ts';

/**
 * Has a folder of data for this process alone: two PGlites over one folder would destroy it, and PGlite does not look. The
 * file says whose it is; one of a process that is gone is taken over. Gives what frees it. Throws
 * `TenancyConfigurationError` while somebody has it, be it another manager of this process.
 */
export async function ownFolder(folder: string): Promise<() => Promise<void>> {
  const path = `${folder}.pid`;
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      const file = await open(path, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== 'EEXIST') {
        throw error;
      }
    }
    const owner = Number(await readFile(path, 'utf8').catch(() => ''));
    if (owner > 0 && isAlive(owner)) {
      const who = owner === process.pid ? 'this process, by another manager' : `the process ${owner}`;
      throw new TenancyConfigurationError(
        `The data folder ${folder} is open in ${who}. PGlite's data has one user at a time: use one manager in one process.`,
      );
    }
    await rm(path, { force: true });
  }
  throw new TenancyConfigurationError(`The data folder ${folder} is being opened by another process.`);
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
