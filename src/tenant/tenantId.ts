import { TenancyConfigurationError } from '../errors.ts';

/** Fit for a DNS label, a path segment, a cache key and a log line at once. */
const TENANT_ID = /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/;

export function isTenantId(value: unknown): value is string {
  return typeof value === 'string' && TENANT_ID.test(value);
}

/** Throws {@link TenancyConfigurationError} unless `value` is a tenant id. */
export function assertTenantId(value: unknown): asserts value is string {
  if (!isTenantId(value)) {
    throw new TenancyConfigurationError(
      `${shown(value)} is no tenant id. A tenant id has 1 to 63 characters of a-z, 0-9, "-" and "_", ` +
        'and begins and ends with a letter or a digit.',
    );
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : `A value of type ${typeof value}`;
}
