import type { Context } from 'koa';
import type { TenancyState as HttpTenancyState } from '../http/HttpExchange.ts';
import type { HttpTenantRequest } from '../http/HttpTenantRequest.ts';
import type { RouteModes as HttpRouteModes } from '../http/routeMode.ts';
import type { SessionOf as HttpSessionOf } from '../http/SessionBinding.ts';
import type { Authorize as HttpAuthorize, HttpCentralOptions, HttpTenancyOptions } from '../http/TenancyOptions.ts';
import type { Tenant } from '../tenant/Tenant.ts';

/** A request as resolvers see it, with Koa's context. */
export type KoaTenantRequest = HttpTenantRequest<Context>;

/** Says who may use a tenant. Anything but `true` refuses, and looks like a tenant that does not exist. */
export type Authorize<T extends Tenant = Tenant> = HttpAuthorize<Context, T>;

/** One mode for all routes, one by path (all others are `tenant`), or a function that decides. */
export type RouteModes = HttpRouteModes<Context>;

/** Gives the session of a request, as in `(ctx) => ctx.session`; `undefined` or `null` where there is none. */
export type SessionOf = HttpSessionOf<Context>;

/** What the middleware adds to `ctx.state`. */
export type TenancyState<T extends Tenant = Tenant> = HttpTenancyState<T>;

interface CookieOptions {
  /**
   * Secrets of at least 32 characters, the newest first. `ctx.cookies` then signs with keys of the tenant, in `authorize`
   * and in all that follows, in place of `app.keys`. @default app.keys
   */
  readonly cookieKeys?: readonly string[] | undefined;
}

/** Options of `tenancy` for routes of tenants. */
export interface TenancyOptions<T extends Tenant = Tenant> extends HttpTenancyOptions<Context, T>, CookieOptions {}

/** The options of routes that never have a tenant. */
export interface CentralRoutesOptions extends HttpCentralOptions<Context>, CookieOptions {}
