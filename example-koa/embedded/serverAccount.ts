import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { StartError } from '../StartError.ts';

/** The user to run PostgreSQL as; empty for whoever runs this process. */
export interface ServerAccount {
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * PostgreSQL refuses to run as root, and on data that is not its user's own. Root runs it as the owner of the data, or
 * as the user `postgres`. Throws {@link StartError} for data of another user.
 */
export function serverAccount(folder: string): ServerAccount {
  const owner = statSync(folder, { throwIfNoEntry: false });
  const uid = process.getuid?.();
  if (uid !== 0) {
    if (owner !== undefined && uid !== undefined && owner.uid !== uid) {
      throw new StartError(
        `The data in ${folder} belongs to another user (uid ${owner.uid}). Start as that user, or set DATA_DIR.`,
      );
    }
    return {};
  }
  return owner !== undefined && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : newServerAccount();
}

/** As whom a server runs whose data is not there yet. */
export function newServerAccount(): ServerAccount {
  return process.getuid?.() === 0 ? (idsOf('postgres') ?? createdUser()) : {};
}

function createdUser(): ServerAccount {
  spawnSync('useradd', ['--system', '--user-group', 'postgres']);
  const created = idsOf('postgres');
  if (created === undefined) {
    throw new StartError(
      'PostgreSQL does not run as root, and a user "postgres" could not be made for it. ' +
        'Start as another user, or set DATABASE_URL to a server of your own.',
    );
  }
  return created;
}

function idsOf(user: string): ServerAccount | undefined {
  const [uid, gid] = ['-u', '-g'].map((option) => spawnSync('id', [option, user], { encoding: 'utf8' }));
  return uid?.status === 0 && gid?.status === 0 ? { uid: Number(uid.stdout), gid: Number(gid.stdout) } : undefined;
}
