import { randomBytes } from 'node:crypto';
import { chown, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PostgresTools } from './PostgresTools.ts';

/** Makes `dataDir/postgres` and `dataDir/password`. The folder appears when it is whole, so an interruption is harmless. */
export async function createCluster(tools: PostgresTools, dataDir: string): Promise<void> {
  const unfinished = join(dataDir, 'postgres.unfinished');
  const password = join(dataDir, 'password');
  const { uid, gid } = tools.account;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await rm(password, { force: true });
  await writeFile(password, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 });
  if (uid !== undefined && gid !== undefined) {
    await chown(unfinished, uid, gid);
    await chown(password, uid, gid);
  }
  await tools.initdb(unfinished, password);
  await rename(unfinished, join(dataDir, 'postgres'));
}
