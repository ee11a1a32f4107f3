import { TenancyError } from '../errors.ts';
import type { CopyDifference } from './copy/CopyOptions.ts';

/** What arrived is not what was sent. The move was taken back. */
export class CopyDiffersError extends TenancyError {
  readonly code = 'COPY_DIFFERS';
  readonly differences: readonly CopyDifference[];

  constructor(tenantId: string, differences: readonly CopyDifference[]) {
    super(
      `Tenant "${tenantId}": the copy differs from its source in ${differences.length} things; see \`differences\`. ` +
        'Look for somebody who writes to the source around this library.',
      { tenantId },
    );
    this.differences = differences;
  }
}

/** The tenant's status does not allow this. Nothing was changed. */
export class TenantStatusError extends TenancyError {
  readonly code = 'TENANT_STATUS';
  override readonly status = 409;

  constructor(tenantId: string, tenantStatus: string, verb: string, instead: string) {
    super(`Tenant "${tenantId}" is ${tenantStatus}, and "${verb}" is not for that. ${instead}`, { tenantId });
  }
}
