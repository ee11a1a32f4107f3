import { TenantReadOnlyError } from '../errors.ts';

const LITERAL = /'(?:[^']|'')*'/g;

/** Plain ways out of a read-only session, in what is left of a statement without its literals. */
const WRITES = /\bread\s+write\b/i;
/** The same by name; a name may be in a literal. */
const SETS = /\bset(?:_config)?\b[^;]*(?:transaction|tx)_read_only/i;
/** Ends the transaction that carries the setting, and goes on after it. */
const LEAVES = /(?:^|;)\s*(?:commit|end|abort|rollback(?!\s+to))\b[^;]*;\s*\S/i;

/**
 * Throws `TenantReadOnlyError` for a statement that plainly takes the session of a read-only tenant out of that state.
 * PostgreSQL refuses the writes themselves. This reads text, and so is no wall against code that hides what it does, as
 * behind a function of the database: the wall is a role that may not write.
 */
export function assertReadsOnly(tenantId: string, text: string, isPooled: boolean): void {
  const bare = text.replace(LITERAL, "''");
  if (WRITES.test(bare) || SETS.test(text) || (isPooled && LEAVES.test(bare))) {
    throw new TenantReadOnlyError(tenantId, 'a statement would have made its session writable');
  }
}
