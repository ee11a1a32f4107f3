import { TenancyConfigurationError } from '../errors.ts';
import { isDomainName } from '../tenant/domainName.ts';
import { parseHost } from './parseHost.ts';
import type { TenantReference, TenantRequest, TenantResolver } from './TenantRequest.ts';

/** Options of {@link byDomain}. */
export interface ByDomainOptions {
  /** The application's own domains, which name no tenant; `www.` before them neither. @default [] */
  readonly ignore?: readonly string[] | undefined;
}

/**
 * Takes the Host for one of a tenant's own domains, without a leading `www.`: register `acme.com`, and `www.acme.com`
 * is the same tenant. Every other domain name counts as a tenant's, so this source comes after others that read the
 * Host, and the application's own domain is in `ignore` where it has pages without a tenant.
 */
export function byDomain(options: ByDomainOptions = {}): TenantResolver {
  const ignored = new Set(options.ignore?.map(checked));
  const resolve = (request: TenantRequest): TenantReference | undefined => {
    const host = parseHost(request.hosts);
    if (host.is !== 'domain') {
      return undefined;
    }
    const domain = withoutWww(host.domain);
    return ignored.has(domain) ? undefined : { by: 'domain', domain };
  };
  return Object.assign(resolve, { source: 'host' });
}

/** `www.com` is a domain of its own, so something with a dot must remain. */
function withoutWww(domain: string): string {
  return /^www\..+\./.test(domain) ? domain.slice('www.'.length) : domain;
}

function checked(domain: string): string {
  if (!isDomainName(domain)) {
    throw new TenancyConfigurationError(
      `byDomain: \`ignore\` has ${JSON.stringify(domain)}, which is no domain name in lower case without a port.`,
    );
  }
  return withoutWww(domain);
}
