import type { TenantCatalog } from '../catalog/TenantCatalog.ts';
import { TenancyConfigurationError } from '../errors.ts';
import type { TenancyEmitter } from '../events.ts';
import type { Sources } from '../resolution/resolveTenant.ts';
import type { TenantResolver } from '../resolution/TenantRequest.ts';
import type { TrustedProxiesOptions } from '../resolution/TrustedProxies.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import type { Exempt } from './exemption.ts';
import type { HttpTenantRequest } from './HttpTenantRequest.ts';
import type { RouteModes } from './routeMode.ts';
import type { SessionOf } from './SessionBinding.ts';

/** What the middleware needs of a `TenantOrmManager`. */
export interface TenancyManager<T extends Tenant = Tenant> {
  readonly catalog: TenantCatalog<T>;
  readonly events: TenancyEmitter;
  /** Rejects with a `TenancyError` for a tenant that is not there or takes no work. */
  acquire(id: string): Promise<TenancyLease<T>>;
  /** Whether there is a `central`; otherwise that is not asked for. */
  readonly hasCentral?: boolean | undefined;
  readonly central?: { run<R>(work: () => R | Promise<R>): Promise<R> } | undefined;
}

/** What the middleware needs of a `TenantLease`. */
export interface TenancyLease<T extends Tenant = Tenant> {
  readonly tenant: T;
  /** Runs `work` with an EntityManager of its own in the tenant's context. */
  run<R>(work: () => R | Promise<R>, options?: { readonly caller: { readonly signal: AbortSignal } }): Promise<R>;
  release(): void | Promise<void>;
}

/** Says who may use a tenant. Anything but `true` refuses, and looks like a tenant that does not exist. */
export type Authorize<C, T extends Tenant = Tenant> = (ctx: C, tenant: T) => boolean | Promise<boolean>;

/** What every front door can be asked for. `C` is what its framework gives for a request. */
export interface HttpTenancyOptions<C, T extends Tenant = Tenant> {
  /** Where a request names its tenant, tried in order. */
  readonly resolve: TenantResolver<HttpTenantRequest<C>> | readonly TenantResolver<HttpTenantRequest<C>>[];
  /** Give `trustResolution` where everybody who reaches a tenant's address may use it. */
  readonly authorize: Authorize<C, T>;
  /**
   * `agree`: every source is asked, and a request is refused whose sources name different tenants. `first`: the first
   * source that names one decides, and the others are not asked. @default 'agree'
   */
  readonly sources?: Sources | undefined;
  /**
   * Which routes need a tenant: `tenant`, `central` (never one) or `either` (the one that the request names, if any);
   * by path as in `{ '/signup': 'central', '/docs/*': 'either' }`, or by a function. @default 'tenant'
   */
  readonly mode?: RouteModes<C> | undefined;
  /**
   * What this middleware leaves alone: health checks, assets. Paths before any rewriting, exact (`/health`) or
   * everything below one (`/assets/*`); or a function, which exempts when it gives `true`. @default []
   */
  readonly exempt?: Exempt<C> | undefined;
  /** The proxies before this application, whose X-Forwarded-Host or Forwarded counts. @default none */
  readonly trustedProxies?: TrustedProxiesOptions | undefined;
  /** Whether a request by another of the tenant's domains is sent to the first one, by 308. @default false */
  readonly redirectsToPrimaryDomain?: boolean | undefined;
  /**
   * Binds sessions to the tenant that they were made for, as in `(ctx) => ctx.session`. One of another tenant is refused
   * before `authorize` is asked. @default sessions are not looked at
   */
  readonly session?: SessionOf<C> | undefined;
  /**
   * How long after its arrival a request is answered 404 at the earliest, in milliseconds, so that nobody can tell by a
   * stopwatch a tenant that is not there from one that is somebody else's. Above what `authorize` and the catalogue
   * take. 0 turns it off. @default 20
   */
  readonly refusalFloorMs?: number | undefined;
}

/** The options of routes that never have a tenant. */
export interface HttpCentralOptions<C> {
  readonly mode: 'central';
  readonly session?: SessionOf<C> | undefined;
}

/** The `authorize` of an application in which the address alone decides: no check follows resolution. */
export function trustResolution(): boolean {
  return true;
}

/** The resolvers as a list. Throws {@link TenancyConfigurationError} when an option is missing or of a wrong kind. */
export function checkedResolvers<C>(
  options: HttpTenancyOptions<C, never>,
): readonly TenantResolver<HttpTenantRequest<C>>[] {
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
  const sources: unknown = options.sources ?? 'agree';
  if (sources !== 'agree' && sources !== 'first') {
    throw new TenancyConfigurationError("tenancy: `sources` is 'agree' or 'first'.");
  }
  return resolvers;
}
