import type { FastifyRequest } from 'fastify';
import type { HttpTenantRequest } from '../http/HttpTenantRequest.ts';
import type { RouteModes as HttpRouteModes } from '../http/routeMode.ts';
import type { SessionOf as HttpSessionOf } from '../http/SessionBinding.ts';
import type { Authorize as HttpAuthorize, HttpCentralOptions, HttpTenancyOptions } from '../http/TenancyOptions.ts';
import type { Tenant } from '../tenant/Tenant.ts';

/** A request as resolvers see it; Fastify's own is its `ctx`. */
export type FastifyTenantRequest = HttpTenantRequest<FastifyRequest>;

/** Says who may use a tenant. Anything but `true` refuses, and looks like a tenant that does not exist. */
export type Authorize<T extends Tenant = Tenant> = HttpAuthorize<FastifyRequest, T>;

/** One mode for all routes, one by path (all others are `tenant`), or a function that decides. */
export type RouteModes = HttpRouteModes<FastifyRequest>;

/** Gives the session of a request, as in `(request) => request.session`; `undefined` or `null` where there is none. */
export type SessionOf = HttpSessionOf<FastifyRequest>;

/** Options of the `tenancy` plugin for routes of tenants. */
export interface TenancyOptions<T extends Tenant = Tenant> extends HttpTenancyOptions<FastifyRequest, T> {}

/** The options of routes that never have a tenant. */
export interface CentralRoutesOptions extends HttpCentralOptions<FastifyRequest> {}

/** The tenant as requests have it. Declare the columns of your own tenants here: an interface takes more members. */
export interface RequestTenant extends Tenant {}

declare module 'fastify' {
  interface FastifyRequest {
    /** The tenant of this request; not set on routes without one. */
    tenant?: RequestTenant;
    /** What to put before the path of a link: `/t/acme` where `byPath` named the tenant, otherwise empty. */
    tenantPath?: string;
  }
}
