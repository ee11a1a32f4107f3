import { TenancyError, type TenancyErrorDetails } from '../../errors.ts';

/** A database cannot be copied as it is. Nothing was changed in it. */
export class DatabaseCopyError extends TenancyError {
  readonly code = 'DATABASE_COPY';

  constructor(tenantId: string, what: string, details: Pick<TenancyErrorDetails, 'cause'> = {}) {
    super(`Tenant "${tenantId}": ${what}`, { ...details, tenantId });
  }
}
