import { TenancyConfigurationError } from '../errors.ts';

/**
 * By which a statement of libSQL reads and writes any file, other tenants' among them, and by which it runs a text that may
 * hide these. SQLite lets no view and no trigger use them, so that they are in the statement itself.
 */
const FILE_FUNCTIONS = /\b(?:readfile|writefile|fsdir|sha3_query)\b/i;

/** Throws {@link TenancyConfigurationError} for a statement that has one of their names, be it as a text. */
export function assertNoFileFunctions(tenantId: string, text: string): void {
  const [name] = FILE_FUNCTIONS.exec(text) ?? [];
  if (name !== undefined) {
    throw new TenancyConfigurationError(
      `Tenant "${tenantId}": \`${name}\` reaches other files than the tenant's database, and is refused. A text that only ` +
        'has this word can be given as a parameter.',
      { tenantId },
    );
  }
}
