import { TenancyConfigurationError } from '../errors.ts';

/** Spaces and comments before the first word. */
const BEFORE = /^(?:\s|;|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$))+/;

/**
 * Throws {@link TenancyConfigurationError} for a statement by which SQLite would open another file: with `attach` a tenant's
 * code would reach the database of another tenant, and `vacuum into` writes one.
 */
export function assertOneFile(tenantId: string, text: string): void {
  // Most statements begin with none of these letters, spaces and comments.
  if (!/^[aAvV\s;/-]/.test(text)) {
    return;
  }
  const sql = text.replace(BEFORE, '');
  if (/^attach\b/i.test(sql) || /^vacuum\b[\s\S]*\binto\b/i.test(sql)) {
    throw new TenancyConfigurationError(
      `Tenant "${tenantId}": ATTACH and VACUUM INTO reach other files than the tenant's database, and are refused. Open ` +
        'the other database by itself, or copy the file while the tenant is closed.',
      { tenantId },
    );
  }
}
