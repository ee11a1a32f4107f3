import { join } from 'node:path';
import { TenancyConfigurationError } from '../errors.ts';

/**
 * What is a file's name on every file system, its own and nobody else's: no separator, no dot, no letter in two cases, one
 * byte for each character.
 */
const FILE_NAME = /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/;

/** Names that Windows keeps for devices, with any ending. */
const DEVICES = /^(?:con|prn|aux|nul|com\d|lpt\d)$/;

/** What the name of a lock has after that of the database. No tenant's database ends like that. */
export const LOCK_ENDING = '-lock';

/** Throws {@link TenancyConfigurationError} unless `name` is fit to be the name of a file in the tenants' folder. */
export function assertFileName(name: unknown, tenantId?: string): asserts name is string {
  if (typeof name !== 'string' || !FILE_NAME.test(name) || DEVICES.test(name)) {
    const who = tenantId === undefined ? 'The database name' : `Tenant "${tenantId}": the database name`;
    const shown = typeof name === 'string' ? ` ${JSON.stringify(name.slice(0, 80))}` : '';
    throw new TenancyConfigurationError(
      `${who}${shown} becomes the name of a file, and has 1 to 63 characters of a-z, 0-9, "-" and "_", begins and ends ` +
        'with a letter or a digit, and is no device of Windows.',
      { tenantId },
    );
  }
}

/** The path of a tenant's database. Throws {@link TenancyConfigurationError} for a name that could lead elsewhere. */
export function databasePath(folder: string, name: string, ending: string, tenantId?: string): string {
  assertFileName(name, tenantId);
  return join(folder, name + ending);
}
