import type { Context } from 'koa';
import type { TenantCatalog } from '../catalog/TenantCatalog.ts';
import { TenancyConfigurationError } from '../errors.ts';
import type { TenancyEmitter } from '../events.ts';
import type { TenantResolver } from '../resolution/TenantRequest.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import type { KoaTenantRequest } from './KoaTenantRequest.ts';

/** What the middleware needs of a `TenantOrmManager`. */
export interface TenancyManager<T extends Tenant = Tenant> {
  readonly catalog: TenantCatalog<T>;
  readonly events: TenancyEmitter;
  /** Rejects with a `TenancyError` for a tenant that is not there or takes no work. */
  acquire(id: string): Promise<TenancyLease<T>>;
}

/** What the middleware needs of a `TenantLease`. */
export interface TenancyLease<T extends Tenant = Tenant> {
  readonly tenant: T;
  /** Runs `work` with an EntityManager of its own in the tenant's context. */
  run<R>(work: () => R | Promise<R>, options?: { readonly caller: { readonly signal: AbortSignal } }): Promise<R>;
  release(): void | Promise<void>;
}

/** Says who may use a tenant. Anything but `true` refuses, and looks like a tenant that does not exist. */
export type Authorize<T extends Tenant = Tenant> = (ctx: Context, tenant: T) => boolean | Promise<boolean>;

export interface TenancyOptions<T extends Tenant = Tenant> {
  /** Where a request names its tenant, tried in order. Names of different sources must agree. */
  readonly resolve: TenantResolver<KoaTenantRequest> | readonly TenantResolver<KoaTenantRequest>[];
  /** Give `trustResolution` where everybody who reaches a tenant's address may use it. */
  readonly authorize: Authorize<T>;
  /**
   * What needs no tenant: health checks, public pages. Paths before any rewriting, exact (`/health`) or everything
   * below one (`/assets/*`); or a function, which exempts when it gives `true`. @default []
   */
  readonly exempt?: readonly string[] | ((ctx: Context) => boolean | Promise<boolean>) | undefined;
}

/** What the middleware adds to `ctx.state`. */
export interface TenancyState<T extends Tenant = Tenant> {
  /** The tenant of this request. */
  tenant: T;
  /** What to put before the path of a link: `/t/acme` where `byPath` named the tenant, otherwise empty. */
  tenantPath: string;
}

/** The `authorize` of an application in which the address alone decides: no check follows resolution. */
export function trustResolution(): boolean {
  return true;
}

/** The resolvers as a list. Throws {@link TenancyConfigurationError} when an option is missing or of a wrong kind. */
export function checkedResolvers(options: TenancyOptions<never>): readonly TenantResolver<KoaTenantRequest>[] {
  const resolvers = [options.resolve].flat();
  if (resolvers.length === 0 || !resolvers.every((resolver) => typeof resolver === 'function')) {
    throw new TenancyConfigurationError(
      "tenancy: `resolve` takes at least one source of the tenant, such as `[bySubdomain('example.com'), byDomain()]`.",
    );
  }
  if (typeof options.authorize !== 'function') {
    throw new TenancyConfigurationError(
      'tenancy: `authorize` is required. Give a function (ctx, tenant) => boolean that says who may use a tenant, or ' +
        '`trustResolution` if everybody who reaches its address may.',
    );
  }
  return resolvers;
}
