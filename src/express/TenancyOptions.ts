import type { Request } from 'express';
import type { HttpTenantRequest } from '../http/HttpTenantRequest.ts';
import type { FailureOptions } from '../http/NodeExchange.ts';
import type { RouteModes as HttpRouteModes } from '../http/routeMode.ts';
import type { SessionOf as HttpSessionOf } from '../http/SessionBinding.ts';
import type { Authorize as HttpAuthorize, HttpCentralOptions, HttpTenancyOptions } from '../http/TenancyOptions.ts';
import type { Tenant } from '../tenant/Tenant.ts';

/** A request as resolvers see it; Express' own is its `ctx`. */
export type ExpressTenantRequest = HttpTenantRequest<Request>;

/** Says who may use a tenant. Anything but `true` refuses, and looks like a tenant that does not exist. */
export type Authorize<T extends Tenant = Tenant> = HttpAuthorize<Request, T>;

/** One mode for all routes, one by path (all others are `tenant`), or a function that decides. */
export type RouteModes = HttpRouteModes<Request>;

/** Gives the session of a request, as in `(req) => req.session`; `undefined` or `null` where there is none. */
export type SessionOf = HttpSessionOf<Request>;

/** Options of `tenancy` for routes of tenants. */
export interface TenancyOptions<T extends Tenant = Tenant>
  extends HttpTenancyOptions<Request, T>,
    FailureOptions<Request> {}

/** The options of routes that never have a tenant. */
export interface CentralRoutesOptions extends HttpCentralOptions<Request>, FailureOptions<Request> {}

/** The tenant as requests have it. Declare the columns of your own tenants here: an interface takes more members. */
export interface RequestTenant extends Tenant {}

declare global {
  namespace Express {
    interface Request {
      /** The tenant of this request; not set on routes without one. */
      tenant?: RequestTenant;
      /** What to put before the path of a link: `/t/acme` where `byPath` named the tenant, otherwise empty. */
      tenantPath?: string;
    }
  }
}
