import type { EntityManager } from '@mikro-orm/core';
import type { Tenant, TenantStatus } from '../tenant/Tenant.ts';
import type { ChangedColumns, NewColumns, TenantDomainDetails } from './CatalogTenant.ts';

/** What a tenant is created with. */
export type NewTenant<T extends Tenant = Tenant> = {
  readonly id: string;
  /** At most 63 bytes, and no other tenant's of the same server. @default the id */
  readonly database?: string | undefined;
  /** @default 'default' */
  readonly server?: string | undefined;
  /** @default 'active' */
  readonly status?: TenantStatus | undefined;
  readonly metadata?: MetadataOf<T> | undefined;
  /** Domains that the caller vouches for: they lead to the tenant at once. The first is the primary one. @default [] */
  readonly domains?: readonly string[] | undefined;
} & NewColumns<T>;

/** What can be changed of a tenant by `update`. */
export type TenantChange<T extends Tenant = Tenant> = ChangedColumns<T> & {
  readonly database?: string | undefined;
  readonly server?: string | undefined;
  readonly metadata?: MetadataOf<T> | undefined;
};

type MetadataOf<T> = T extends { readonly metadata: infer M } ? M : Record<string, unknown>;

/** Options of every write of a {@link TenantStore}. */
export interface WriteOptions {
  /** The `revision` that the caller saw. Rejects with `TenantChangedError` if it is another by now. @default any */
  readonly revision?: number | undefined;
  /**
   * A transaction of the central database to take part in. Other code of this process then hears of the change as
   * other processes do, once that is committed.
   */
  readonly em?: EntityManager | undefined;
}

/** Options of {@link TenantStore.addDomain}. */
export interface NewDomainOptions extends WriteOptions {
  /** Whether the caller has seen that the domain is the tenant's. @default false */
  readonly isVerified?: boolean | undefined;
  /** Whether it takes the place of the primary domain. @default whether it is the first */
  readonly isPrimary?: boolean | undefined;
}

/**
 * The tenants of the central database, for writing. Each method is one transaction, checks what it is given, and gives
 * the tenant as it is then. Rejects with `TenantNotFoundError`, `TenantConflictError`, `TenantChangedError` or
 * `TenancyConfigurationError`.
 */
export interface TenantStore<T extends Tenant = Tenant> {
  create(tenant: NewTenant<T>, options?: Pick<WriteOptions, 'em'>): Promise<T>;
  update(id: string, change: TenantChange<T>, options?: WriteOptions): Promise<T>;
  setStatus(id: string, status: TenantStatus, options?: WriteOptions): Promise<T>;
  /** Gives the tenant another id. Its database and domains stay as they are. */
  rename(id: string, newId: string, options?: WriteOptions): Promise<T>;
  /** Forgets the tenant and its domains; its database is left alone. Gives what it was. */
  delete(id: string, options?: WriteOptions): Promise<T>;
  addDomain(id: string, domain: string, options?: NewDomainOptions): Promise<T>;
  /** From now on the domain leads to the tenant. */
  verifyDomain(id: string, domain: string, options?: WriteOptions): Promise<T>;
  setPrimaryDomain(id: string, domain: string, options?: WriteOptions): Promise<T>;
  removeDomain(id: string, domain: string, options?: WriteOptions): Promise<T>;
  /** Whose domain it is, verified or not. */
  findDomain(domain: string): Promise<(TenantDomainDetails & { readonly tenantId: string }) | undefined>;
}
