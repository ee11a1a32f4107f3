import { parseHost } from './parseHost.ts';
import type { TenantReference, TenantRequest, TenantResolver } from './TenantRequest.ts';

/**
 * Takes the Host for one of a tenant's own domains, without a leading `www.`: register `acme.com`, and `www.acme.com`
 * is the same tenant. Every domain name counts as a tenant's, so this source comes after others that read the Host.
 */
export function byDomain(): TenantResolver {
  const resolve = (request: TenantRequest): TenantReference | undefined => {
    const host = parseHost(request.hosts);
    return host.is === 'domain' ? { by: 'domain', domain: withoutWww(host.domain) } : undefined;
  };
  return Object.assign(resolve, { source: 'host' });
}

/** `www.com` is a domain of its own, so something with a dot must remain. */
function withoutWww(domain: string): string {
  return /^www\..+\./.test(domain) ? domain.slice('www.'.length) : domain;
}
