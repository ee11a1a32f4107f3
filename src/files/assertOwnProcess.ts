import { TenancyConfigurationError } from '../errors.ts';
import { settingOf } from './settingOf.ts';

const setsForAll = settingOf('temp_store_directory', 'data_store_directory', 'soft_heap_limit', 'hard_heap_limit');

/**
 * Throws {@link TenancyConfigurationError} for a statement by which SQLite would set something for every database of the
 * process: where the temporary files of all tenants are, and how much memory they get together.
 */
export function assertOwnProcess(tenantId: string, text: string): void {
  if (setsForAll(text)) {
    throw new TenancyConfigurationError(
      `Tenant "${tenantId}": \`temp_store_directory\`, \`data_store_directory\` and the heap limits are for all tenants of the ` +
        'process, and cannot be set by one. Set SQLITE_TMPDIR in the environment for the former.',
      { tenantId },
    );
  }
}
