import { TenancyConfigurationError } from '../errors.ts';

/**
 * A name that is the same for every server, whatever its `lower_case_table_names` is and its file system takes for equal: no
 * letter in two cases, no dot, nothing that is quoted in another way.
 */
const NAME = /^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$/;

/** The server's own. They never hold a tenant. */
const RESERVED = new Set(['information_schema', 'mysql', 'performance_schema', 'sys']);

/** Throws {@link TenancyConfigurationError} unless `name` is fit to be a tenant's database on MySQL and MariaDB. */
export function assertMysqlName(name: unknown, tenantId?: string): asserts name is string {
  if (typeof name !== 'string' || !NAME.test(name) || RESERVED.has(name)) {
    const who = tenantId === undefined ? 'The database name' : `Tenant "${tenantId}": the database name`;
    const shown = typeof name === 'string' ? ` ${JSON.stringify(name.slice(0, 80))}` : '';
    throw new TenancyConfigurationError(
      `${who}${shown} has 1 to 64 characters of a-z, 0-9, "-" and "_" on MySQL and MariaDB, begins and ends with a letter ` +
        "or a digit, and is none of the server's own.",
      { tenantId },
    );
  }
}
