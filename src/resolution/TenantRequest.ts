import type { TenancyError } from '../errors.ts';
import type { Tenant } from '../tenant/Tenant.ts';

/** What resolution needs to know of a request; no framework. */
export interface TenantRequest {
  /** The Host header (or `:authority`) values exactly as received, one entry a line; never a forwarded one. */
  readonly hosts: readonly string[];
  /** The path with its leading slash, percent-encoded as received, without the query. */
  readonly path: string;
  /** Every value of a header, one entry a line; the name in any case. */
  header(name: string): readonly string[];
}

/** How a source names a tenant: by its id, or by one of its domains. */
export type TenantReference =
  | { readonly by: 'id'; readonly id: string; readonly path?: string | undefined }
  | { readonly by: 'domain'; readonly domain: string };

/**
 * Names the tenant of a request, or gives `undefined` when this source says nothing. Throws
 * {@link TenancyError} (`BadTenantRequestError`) when the source is there and malformed.
 */
export interface TenantResolver<R extends TenantRequest = TenantRequest> {
  (request: R): TenantReference | undefined | Promise<TenantReference | undefined>;
  /**
   * What the name is taken from: `host`, `path`, `header x-tenant`. Once a source has named a tenant, its other
   * resolvers are not asked; names of different sources, and of resolvers without one, must agree.
   */
  readonly source?: string | undefined;
  /** Request headers that the answer depends on. They go into `Vary`, so that no cache mixes tenants. */
  readonly vary?: readonly string[] | undefined;
}

/** The outcome of resolution that a middleware works with. */
export interface ResolvedTenant<T extends Tenant = Tenant> {
  readonly tenant: T;
  /** The path below the tenant's prefix, where the tenant came from the path. */
  readonly path: string | undefined;
}

export type { TenancyError };
