import { isIPv4 } from 'node:net';
import { TenancyConfigurationError } from '../errors.ts';
import { assertDomainName } from '../tenant/domainName.ts';
import { parseHost } from './parseHost.ts';
import type { TenantReference, TenantRequest, TenantResolver } from './TenantRequest.ts';

/** Options of {@link bySubdomain}. */
export interface BySubdomainOptions {
  /** Labels that name no tenant. @default ['www'] */
  readonly ignore?: readonly string[] | undefined;
}

/**
 * Takes the one label before `baseDomain` for the tenant's id: `acme.example.com` is tenant `acme` of `example.com`.
 * The base domain itself, deeper names and other domains name no tenant.
 */
export function bySubdomain(baseDomain: string, options: BySubdomainOptions = {}): TenantResolver {
  assertBaseDomain(baseDomain);
  const ignored = new Set(options.ignore ?? ['www']);
  const suffix = `.${baseDomain}`;
  const resolve = (request: TenantRequest): TenantReference | undefined => {
    const host = parseHost(request.hosts);
    if (host.is !== 'domain' || !host.domain.endsWith(suffix)) {
      return undefined;
    }
    const label = host.domain.slice(0, -suffix.length);
    return label.includes('.') || ignored.has(label) ? undefined : { by: 'id', id: label };
  };
  return Object.assign(resolve, { source: 'host' });
}

function assertBaseDomain(baseDomain: string): void {
  if (/:[0-9]*$/.test(baseDomain)) {
    throw new TenancyConfigurationError(
      `bySubdomain: ${JSON.stringify(baseDomain)} has a port. Leave it out; every port is accepted.`,
    );
  }
  assertDomainName(baseDomain);
  if (isIPv4(baseDomain)) {
    throw new TenancyConfigurationError(
      `bySubdomain: ${baseDomain} is an IP address, which has no subdomains. For tests on one machine use "localhost".`,
    );
  }
}
