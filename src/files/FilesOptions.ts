import { z } from 'zod';
import { checkOptions, countFrom, time } from '../databases/options.ts';
import { folderPath } from './folderPath.ts';

/** Options of tenants whose databases are files of one folder. */
export interface FilesOptions {
  /** Where the files are; a relative path is relative to the working directory. */
  readonly folder: string;
  /** How many files may be open at once, those of all tenants together, for requests. @default 200 */
  readonly maxConnections?: number | undefined;
  /** How often one tenant's file may be open: one writes, the others read. @default 4 */
  readonly maxConnectionsPerTenant?: number | undefined;
  /** How long a request waits for an open file, in milliseconds. @default 3000 */
  readonly acquireTimeoutMs?: number | undefined;
  /** How long a statement waits for others that write to the same file, in milliseconds. @default 5000 */
  readonly lockTimeoutMs?: number | undefined;
  /** After how long a file that nobody uses is closed, in milliseconds. @default 60000 */
  readonly idleTimeoutMs?: number | undefined;
  /** How many requests of one tenant may wait for an open file. @default 50 */
  readonly maxWaitingPerTenant?: number | undefined;
  /** How many of all tenants may. @default 500 */
  readonly maxWaiting?: number | undefined;
  /** How many tenants may be migrated at once. @default 2 */
  readonly maxMigrations?: number | undefined;
}

/** The options with their defaults; `folder` is absolute. */
export type CheckedFilesOptions = { readonly [Option in keyof FilesOptions]-?: NonNullable<FilesOptions[Option]> };

export const FILES_DEFAULTS = Object.freeze({
  maxConnections: 200,
  maxConnectionsPerTenant: 4,
  acquireTimeoutMs: 3_000,
  lockTimeoutMs: 5_000,
  idleTimeoutMs: 60_000,
  maxWaitingPerTenant: 50,
  maxWaiting: 500,
  maxMigrations: 2,
});

const shape = z.strictObject({
  folder: folderPath,
  maxConnections: countFrom(1).default(FILES_DEFAULTS.maxConnections),
  maxConnectionsPerTenant: countFrom(1).default(FILES_DEFAULTS.maxConnectionsPerTenant),
  acquireTimeoutMs: time.default(FILES_DEFAULTS.acquireTimeoutMs),
  lockTimeoutMs: time.default(FILES_DEFAULTS.lockTimeoutMs),
  idleTimeoutMs: time.default(FILES_DEFAULTS.idleTimeoutMs),
  maxWaitingPerTenant: countFrom(0).default(FILES_DEFAULTS.maxWaitingPerTenant),
  maxWaiting: countFrom(0).default(FILES_DEFAULTS.maxWaiting),
  maxMigrations: countFrom(1).default(FILES_DEFAULTS.maxMigrations),
});

/** Throws `TenancyConfigurationError`, which names each option. `who` is the function that takes them. */
export function checkFilesOptions(who: string, options: FilesOptions): CheckedFilesOptions {
  return checkOptions(who, shape, options);
}
