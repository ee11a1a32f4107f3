import type { OneUserDefaults } from '../files/OneUserOptions.ts';

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

export const PGLITE_DEFAULTS: OneUserDefaults = Object.freeze({
  maxOpen: 8,
  acquireTimeoutMs: 15_000,
  idleTimeoutMs: 60_000,
  maxWaitingPerTenant: 50,
  maxWaiting: 500,
});
