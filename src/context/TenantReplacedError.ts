import { TenancyError } from '../errors.ts';

/** Work was captured for a tenant that is gone, and its id is another tenant's by now. Nothing of it ran. */
export class TenantReplacedError extends TenancyError {
  readonly code = 'TENANT_REPLACED';
  override readonly status = 404;

  constructor(tenantId: string, captured: string, actual: string | undefined) {
    super(
      `Tenant "${tenantId}": this work was captured for the tenant created at ${captured}, and the one of today was created ` +
        `at ${actual ?? 'a time that its catalogue does not tell'}. Drop the work: it belongs to a tenant that is gone.`,
      { tenantId },
    );
  }
}
