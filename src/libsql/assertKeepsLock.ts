import { TenancyConfigurationError } from '../errors.ts';

/** Comments may stand between any two words. */
const COMMENT = /--[^\n]*|\/\*[\s\S]*?\*\//g;

const CHANGES_LOCK = /\bpragma\b[^;]*\b(?:locking_mode|journal_mode)\b['"`\]\s]*(?:=|\()/i;

/**
 * Throws {@link TenancyConfigurationError} for a statement by which the file would not be this connection's alone any more,
 * or would stay so after it is closed.
 */
export function assertKeepsLock(tenantId: string, text: string): void {
  if (/\bpragma\b/i.test(text) && CHANGES_LOCK.test(text.replace(COMMENT, ' '))) {
    throw new TenancyConfigurationError(
      `Tenant "${tenantId}": \`locking_mode\` and \`journal_mode\` are what keeps others out of the tenant's file, and cannot ` +
        'be changed.',
      { tenantId },
    );
  }
}
