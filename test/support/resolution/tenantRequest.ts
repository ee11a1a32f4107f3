import type { TenantRequest } from '../../../src/resolution/TenantRequest.ts';

/** A request for tests of resolution. Header names are in lower case. */
export function tenantRequest(parts: {
  readonly host?: string | readonly string[];
  readonly path?: string;
  readonly query?: string;
  readonly isFromTrustedProxy?: boolean;
  readonly headers?: Readonly<Record<string, readonly string[]>>;
}): TenantRequest {
  return {
    hosts: [parts.host ?? []].flat(),
    path: parts.path ?? '/',
    query: parts.query ?? '',
    isFromTrustedProxy: parts.isFromTrustedProxy === true,
    header: (name) => parts.headers?.[name.toLowerCase()] ?? [],
  };
}
