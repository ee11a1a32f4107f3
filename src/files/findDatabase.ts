import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { TenantDatabaseMissingError, WrongDatabaseError } from '../errors.ts';
import { databasePath } from './fileName.ts';

export interface DatabaseFile {
  readonly tenantId: string;
  readonly database: string;
  readonly folder: string;
  /** How the names of the files end, dot included. */
  readonly ending: string;
}

/**
 * Where a tenant's database is, links followed. Rejects with `TenantDatabaseMissingError` where it is not, and with
 * `WrongDatabaseError` where a link leads to another place: out of the folder, or to the database of another tenant.
 */
export async function findDatabase({ tenantId, database, folder, ending }: DatabaseFile): Promise<string> {
  const path = databasePath(folder, database, ending, tenantId);
  const found = await realpath(path).catch((error: unknown) => {
    throw (error as { readonly code?: unknown }).code === 'ENOENT'
      ? new TenantDatabaseMissingError(tenantId, database, { cause: error })
      : error;
  });
  // The folder itself may be a link, as /tmp is on some systems.
  const expected = join(await realpath(dirname(path)), basename(path));
  if (found !== expected) {
    throw new WrongDatabaseError(tenantId, expected, found);
  }
  return found;
}
