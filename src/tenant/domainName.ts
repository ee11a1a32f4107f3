import { domainToASCII, domainToUnicode } from 'node:url';
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

/**
 * The domain that somebody has written, as {@link isDomainName} takes it: lower case, A-labels, no trailing dot. Throws
 * {@link TenancyConfigurationError} when it is none.
 */
export function toDomainName(value: unknown): string {
  const text = typeof value === 'string' ? value.trim().replace(/\.$/, '') : '';
  // Gives '' for what is no host, and cuts off what follows one in a URL. The rest is lower case, its labels ASCII.
  const domain = /[\s/\\?#@:%[\]]/.test(text) ? '' : domainToASCII(text);
  // An A-label that stands for nothing stays what it is.
  if (domain === '' || /(?:^|\.)xn--/.test(domainToUnicode(domain))) {
    throw new TenancyConfigurationError(`${JSON.stringify(value)?.slice(0, 80)} is no domain name.`);
  }
  assertDomainName(domain);
  return domain;
}
