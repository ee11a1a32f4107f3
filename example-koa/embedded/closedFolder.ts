import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import type { ServerAccount } from './serverAccount.ts';

/** The first folder on the way to `path` that the server's user may not enter, or `undefined`. Root enters every folder. */
export function closedFolder(account: ServerAccount, path: string): string | undefined {
  return account.uid === undefined
    ? undefined
    : withParents(path).find((folder) => spawnSync('test', ['-x', folder], { ...account, cwd: '/' }).status !== 0);
}

/** `/srv`, `/srv/app` and `/srv/app/data` of `/srv/app/data`. */
function withParents(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [...withParents(parent), path];
}
