import { z } from 'zod';
import { checkOptions, countFrom, time } from '../databases/options.ts';
import { folderPath } from '../files/folderPath.ts';

/** Options of tenants whose databases are data folders of PGlite. */
export interface PgliteOptions {
  /** Where the data folders are; a relative path is relative to the working directory. */
  readonly folder: string;
  /** How many PGlites may be open at once. Each takes some hundred megabytes of memory. @default 8 */
  readonly maxOpen?: number | undefined;
  /** How long a request waits for its tenant's PGlite, opening included, in milliseconds. @default 15000 */
  readonly acquireTimeoutMs?: number | undefined;
  /** After how long a PGlite that nobody uses is closed, in milliseconds. @default 60000 */
  readonly idleTimeoutMs?: number | undefined;
  /** How many requests of one tenant may wait for it. @default 50 */
  readonly maxWaitingPerTenant?: number | undefined;
  /** How many of all tenants may. @default 500 */
  readonly maxWaiting?: number | undefined;
}

/** The options with their defaults; `folder` is absolute. */
export type CheckedPgliteOptions = { readonly [Option in keyof PgliteOptions]-?: NonNullable<PgliteOptions[Option]> };

export const PGLITE_DEFAULTS = Object.freeze({
  maxOpen: 8,
  acquireTimeoutMs: 15_000,
  idleTimeoutMs: 60_000,
  maxWaitingPerTenant: 50,
  maxWaiting: 500,
});

const shape = z.strictObject({
  folder: folderPath,
  maxOpen: countFrom(1).default(PGLITE_DEFAULTS.maxOpen),
  acquireTimeoutMs: time.default(PGLITE_DEFAULTS.acquireTimeoutMs),
  idleTimeoutMs: time.default(PGLITE_DEFAULTS.idleTimeoutMs),
  maxWaitingPerTenant: countFrom(0).default(PGLITE_DEFAULTS.maxWaitingPerTenant),
  maxWaiting: countFrom(0).default(PGLITE_DEFAULTS.maxWaiting),
});

/** Throws `TenancyConfigurationError`, which names each option. */
export function checkPgliteOptions(options: PgliteOptions): CheckedPgliteOptions {
  return checkOptions('pgliteDatabases', shape, options);
}
