import { TenancyConfigurationError } from '../errors.ts';

/** PostgreSQL cuts longer identifiers silently (NAMEDATALEN - 1), and would land in another database. */
const MAX_IDENTIFIER_BYTES = 63;

/** Databases of PostgreSQL itself, which never hold a tenant. */
const RESERVED = new Set(['postgres', 'template0', 'template1']);

/** Throws {@link TenancyConfigurationError} unless `name` is a database name that PostgreSQL takes as it is. */
export function assertDatabaseName(name: unknown, tenantId?: string): asserts name is string {
  const problem = problemOf(name);
  if (problem !== undefined) {
    const who = tenantId === undefined ? 'The database name' : `Tenant "${tenantId}": the database name`;
    const shown = typeof name === 'string' ? ` ${JSON.stringify(name.slice(0, 80))}` : '';
    throw new TenancyConfigurationError(`${who}${shown} ${problem}.`, { tenantId });
  }
}

function problemOf(name: unknown): string | undefined {
  if (typeof name !== 'string' || name === '') {
    return 'must be a string that is not empty';
  }
  if (Buffer.byteLength(name) > MAX_IDENTIFIER_BYTES) {
    return `has ${Buffer.byteLength(name)} bytes; PostgreSQL takes at most ${MAX_IDENTIFIER_BYTES}`;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (/[\u0000-\u001f\u007f]/.test(name) || !name.isWellFormed()) {
    return 'holds a control character or half a surrogate pair';
  }
  return RESERVED.has(name) ? "is one of PostgreSQL's own; give each tenant a database of its own" : undefined;
}

/** Quotes an SQL identifier. Here and in {@link quoteByBackticks} alone a name becomes part of a statement. */
export function quoteIdentifier(name: string): string {
  if (name === '' || name.includes('\0') || Buffer.byteLength(name) > MAX_IDENTIFIER_BYTES) {
    throw new TenancyConfigurationError(
      `${JSON.stringify(name.slice(0, 80))} is no SQL identifier: 1 to ${MAX_IDENTIFIER_BYTES} bytes, no NUL.`,
    );
  }
  return `"${name.replaceAll('"', '""')}"`;
}

/** The same for MySQL and MariaDB, whose names are longer. */
export function quoteByBackticks(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
