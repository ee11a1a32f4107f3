import { TenancyConfigurationError } from '../errors.ts';
import { type CheckedOneUserOptions, checkOneUserOptions, type OneUserDefaults } from '../files/OneUserOptions.ts';

/** Options of tenants whose databases are files of libSQL. */
export interface LibsqlOptions {
  /** Where the files are, on a local disk; a relative path is relative to the working directory. */
  readonly folder: string;
  /** How many files may be open at once, those of all tenants together. @default 200 */
  readonly maxOpen?: number | undefined;
  /** How long a request waits for its tenant's file, in milliseconds. @default 3000 */
  readonly acquireTimeoutMs?: number | undefined;
  /** After how long a file that nobody uses is closed, in milliseconds. @default 60000 */
  readonly idleTimeoutMs?: number | undefined;
  /** How many requests of one tenant may wait for its file. @default 50 */
  readonly maxWaitingPerTenant?: number | undefined;
  /** How many of all tenants may. @default 500 */
  readonly maxWaiting?: number | undefined;
}

export const LIBSQL_DEFAULTS: OneUserDefaults = Object.freeze({
  maxOpen: 200,
  acquireTimeoutMs: 3_000,
  idleTimeoutMs: 60_000,
  maxWaitingPerTenant: 50,
  maxWaiting: 500,
});

const WHO = 'libsqlDatabases';

/** What libSQL takes for a database elsewhere, and for a copy of one that is kept in step with it. */
const OF_REMOTE = ['url', 'authToken', 'syncUrl', 'syncAuth', 'syncPeriod', 'readYourWrites', 'offline'] as const;

/** Throws `TenancyConfigurationError`, which names each option. */
export function checkLibsqlOptions(options: LibsqlOptions): CheckedOneUserOptions {
  const given = options as unknown as Readonly<Record<string, unknown>>;
  const remote = OF_REMOTE.find((option) => given[option] !== undefined);
  if (remote !== undefined || /^(?:libsql|https?|wss?):/i.test(String(given['folder']))) {
    throw new TenancyConfigurationError(
      `${WHO}: \`${remote ?? 'folder'}\` names a database on a server, or a replica of one. Tenants' databases are local ` +
        'files here, one for each: give the path of their folder as `folder`.',
    );
  }
  return checkOneUserOptions(WHO, LIBSQL_DEFAULTS, options);
}
