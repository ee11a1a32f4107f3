import type { TenantRequest } from '../../../src/resolution/TenantRequest.ts';

/** A request for tests of resolution. Header names are in lower case. */
export function tenantRequest(parts: {
  readonly host?: string | readonly string[];
  readonly path?: string;
  readonly headers?: Readonly<Record<string, readonly string[]>>;
}): TenantRequest {
  return {
    hosts: [parts.host ?? []].flat(),
    path: parts.path ?? '/',
    header: (name) => parts.headers?.[name.toLowerCase()] ?? [],
  };
}
