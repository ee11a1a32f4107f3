import { parseHost } from '../resolution/parseHost.ts';
import type { ResolvedTenant } from '../resolution/TenantRequest.ts';
import type { HttpTenantRequest } from './HttpTenantRequest.ts';

/** The scheme and authority of a request line in absolute form. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;

/**
 * Where a request belongs that came by another domain of its tenant than the primary one, which is the first. Both are
 * the tenant's own by its catalogue; nothing of the request but path, query and port is in it, behind the host, so that
 * it never leads anywhere else. `undefined` where the request is right here.
 */
export function primaryUrlOf(
  { target, hosts }: HttpTenantRequest,
  { tenant, domain }: Pick<ResolvedTenant, 'tenant' | 'domain'>,
): string | undefined {
  const [primary] = tenant.domains ?? [];
  if (primary === undefined || domain === undefined || domain === primary || !tenant.domains?.includes(domain)) {
    return undefined;
  }
  const { port } = parseHost(hosts);
  const below = target.replace(ORIGIN, '');
  // Without a scheme: it stays the client's, which a process behind a proxy may not know.
  return `//${primary}${port === undefined ? '' : `:${port}`}${below.startsWith('/') ? '' : '/'}${below}`;
}
