import { TenancyConfigurationError } from '../errors.ts';
import { settingOf } from '../files/settingOf.ts';

const changesLock = settingOf('locking_mode', 'journal_mode');

/**
 * Throws {@link TenancyConfigurationError} for a statement by which the file would not be this connection's alone any more,
 * or would stay so after it is closed.
 */
export function assertKeepsLock(tenantId: string, text: string): void {
  if (changesLock(text)) {
    throw new TenancyConfigurationError(
      `Tenant "${tenantId}": \`locking_mode\` and \`journal_mode\` are what keeps others out of the tenant's file, and cannot ` +
        'be changed.',
      { tenantId },
    );
  }
}
