import { TenancyConfigurationError } from '../errors.ts';

const DOMAIN_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const MAX_DOMAIN_CHARACTERS = 253;

/** Whether `value` is a lower-case host name of labels `[a-z0-9-]` (RFC 1123), without a trailing dot. */
export function isDomainName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_DOMAIN_CHARACTERS && DOMAIN_NAME.test(value);
}

/** Throws {@link TenancyConfigurationError} unless `value` is a domain name as {@link isDomainName} takes it. */
export function assertDomainName(value: unknown): asserts value is string {
  if (!isDomainName(value)) {
    throw new TenancyConfigurationError(
      `${JSON.stringify(value)?.slice(0, 80)} is no domain name: lower case, labels of a-z, 0-9 and "-" with at most ` +
        '63 characters, 253 in all, no trailing dot. Write international names as A-labels (xn--…).',
    );
  }
}
