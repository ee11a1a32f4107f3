import type { Tenant } from '../tenant/Tenant.ts';

/** One page of a catalogue, in ascending order of the id. */
export interface TenantPage<T extends Tenant = Tenant> {
  readonly tenants: readonly T[];
  /** Give this to the next `list`; `undefined` on the last page. */
  readonly next: string | undefined;
}

/** Which page of the tenants {@link TenantCatalog.list} gives. */
export interface ListOptions {
  /** The `next` of the page before. */
  readonly after?: string | undefined;
  /** How many tenants a page may hold, 1 to 1000. @default 100 */
  readonly limit?: number | undefined;
}

/**
 * Which tenants exist, and where their data is. An adapter passes the cases of `catalogConformance`
 * (`mikro-orm-multitenancy/testing`). A miss is `undefined`; an error means that the catalogue itself failed.
 */
export interface TenantCatalog<T extends Tenant = Tenant> {
  find(id: string): Promise<T | undefined>;
  /** `domain` is lower case and without a port or trailing dot. */
  findByDomain(domain: string): Promise<T | undefined>;
  list(options?: ListOptions): Promise<TenantPage<T>>;
}

export const MAX_PAGE = 1000;
export const DEFAULT_PAGE = 100;
