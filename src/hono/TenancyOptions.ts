import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { TenancyState } from '../http/HttpExchange.ts';
import type { HttpTenantRequest } from '../http/HttpTenantRequest.ts';
import type { FailureOptions } from '../http/NodeExchange.ts';
import type { RouteModes as HttpRouteModes } from '../http/routeMode.ts';
import type { SessionOf as HttpSessionOf } from '../http/SessionBinding.ts';
import type { Authorize as HttpAuthorize, HttpCentralOptions, HttpTenancyOptions } from '../http/TenancyOptions.ts';
import type { Tenant } from '../tenant/Tenant.ts';

/** A request as resolvers see it, with Hono's context. */
export type HonoTenantRequest = HttpTenantRequest<Context>;

/** Says who may use a tenant. Anything but `true` refuses, and looks like a tenant that does not exist. */
export type Authorize<T extends Tenant = Tenant> = HttpAuthorize<Context, T>;

/** One mode for all routes, one by path (all others are `tenant`), or a function that decides. */
export type RouteModes = HttpRouteModes<Context>;

/** Gives the session of a request, as in `(c) => c.get('session')`; `undefined` or `null` where there is none. */
export type SessionOf = HttpSessionOf<Context>;

/** Options of `tenancy` for routes of tenants. */
export interface TenancyOptions<T extends Tenant = Tenant>
  extends HttpTenancyOptions<Context, T>,
    FailureOptions<Context> {}

/** The options of routes that never have a tenant. */
export interface CentralRoutesOptions extends HttpCentralOptions<Context>, FailureOptions<Context> {}

/** What handlers have behind the middleware: `c.get('tenant')`, `c.get('tenantPath')`. */
export interface TenancyEnv<T extends Tenant = Tenant> {
  Bindings: HttpBindings;
  Variables: TenancyState<T>;
}
