import { TenancyError, type TenancyErrorDetails } from '../errors.ts';

/** A secret cannot be read. */
export class SecretUnreadableError extends TenancyError {
  readonly code = 'SECRET_UNREADABLE';
  override readonly status = 503;

  constructor(name: string, why: string, details: Pick<TenancyErrorDetails, 'cause'> = {}) {
    super(`The secret of tenant "${name}" cannot be read: ${why}.`, { ...details, tenantId: name });
  }
}

/** Tenants have roles of their own, and this one has no secret for its role. It is never connected as somebody else. */
export class TenantSecretMissingError extends TenancyError {
  readonly code = 'TENANT_SECRET_MISSING';
  override readonly status = 503;

  constructor(tenantId: string) {
    super(
      `Tenant "${tenantId}" has no secret in \`roles.secrets\`, and is not connected as another role. Give it a role by ` +
        '`manager.rotatePassword(id)`.',
      { tenantId },
    );
  }
}
