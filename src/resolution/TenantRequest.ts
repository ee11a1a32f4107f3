import type { TenancyError } from '../errors.ts';
import type { Tenant } from '../tenant/Tenant.ts';

/** What resolution needs to know of a request; no framework. */
export interface TenantRequest {
  /**
   * The Host header (or `:authority`) values exactly as received, one entry a line; a forwarded one only where a proxy
   * that the application trusts has sent it.
   */
  readonly hosts: readonly string[];
  /** The path with its leading slash, percent-encoded as received, without the query; empty where it cannot be read. */
  readonly path: string;
  /** The query as received, without its question mark. */
  readonly query: string;
  /** Whether the connection comes from an address of `trustedProxies`. */
  readonly isFromTrustedProxy: boolean;
  /** Every value of a header, one entry a line; the name in any case. */
  header(name: string): readonly string[];
}

/** How a source names a tenant: by its id, or by one of its domains. */
export type TenantReference =
  | {
      readonly by: 'id';
      readonly id: string;
      /** The path that the application is to see, where the name was part of it. */
      readonly path?: string | undefined;
      /** Asked with the tenant that has this id; anything but `true` refuses, as if there were no such tenant. */
      readonly isProvenFor?: ((tenant: Tenant) => boolean | Promise<boolean>) | undefined;
    }
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
  /** The domain by which the request came, where that named the tenant. */
  readonly domain: string | undefined;
}

export type { TenancyError };
