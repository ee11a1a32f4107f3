import Database from 'libsql';
import { LOCK_ENDING } from '../files/fileName.ts';
import { isLocked } from '../files/SqliteHandle.ts';

/**
 * Has a database for its caller alone, among all that use this library: a file beside it is locked, which the operating
 * system frees when the process is gone. Gives what frees it, or `undefined` while somebody else has it, be it another
 * manager of this process.
 *
 * The database's own lock is not enough: who reads its file in this process takes that away, as POSIX has it.
 */
export function ownFile(path: string): (() => void) | undefined {
  const lock = new Database(path + LOCK_ENDING);
  try {
    // Nothing is prepared on it, so that it is closed when that is said.
    lock.exec('begin exclusive');
  } catch (error) {
    lock.close();
    if (isLocked(error)) {
      return undefined;
    }
    throw error;
  }
  return () => void lock.close();
}
