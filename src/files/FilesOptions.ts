import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { LONGEST_DELAY_MS } from '../connections/Clock.ts';
import { TenancyConfigurationError } from '../errors.ts';

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

const count = (from: number) => z.int().min(from);
const time = z.int().min(1).max(LONGEST_DELAY_MS);

const shape = z.strictObject({
  folder: z.string().min(1),
  maxConnections: count(1).default(FILES_DEFAULTS.maxConnections),
  maxConnectionsPerTenant: count(1).default(FILES_DEFAULTS.maxConnectionsPerTenant),
  acquireTimeoutMs: time.default(FILES_DEFAULTS.acquireTimeoutMs),
  lockTimeoutMs: time.default(FILES_DEFAULTS.lockTimeoutMs),
  idleTimeoutMs: time.default(FILES_DEFAULTS.idleTimeoutMs),
  maxWaitingPerTenant: count(0).default(FILES_DEFAULTS.maxWaitingPerTenant),
  maxWaiting: count(0).default(FILES_DEFAULTS.maxWaiting),
  maxMigrations: count(1).default(FILES_DEFAULTS.maxMigrations),
});

/** Throws `TenancyConfigurationError`, which names each option. `who` is the function that takes them. */
export function checkFilesOptions(who: string, options: FilesOptions): CheckedFilesOptions {
  const parsed = shape.safeParse(options);
  if (!parsed.success) {
    throw new TenancyConfigurationError(`${who}: ${z.prettifyError(parsed.error)}`);
  }
  const { folder } = parsed.data;
  if (folder.includes('\0') || /^[a-z][a-z0-9+.-]+:/i.test(folder)) {
    throw new TenancyConfigurationError(
      `${who}: \`folder\` is the path of a folder, and neither a URL nor a name in memory.`,
    );
  }
  return Object.freeze({ ...parsed.data, folder: isAbsolute(folder) ? folder : resolve(folder) });
}
