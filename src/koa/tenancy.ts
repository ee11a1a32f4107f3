import type { Context, Middleware, Next } from 'koa';
import { type Entered, FrontDoor } from '../http/FrontDoor.ts';
import { keepContext } from '../http/keepContext.ts';
import type { TenancyManager } from '../http/TenancyOptions.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { KoaExchange } from './KoaExchange.ts';
import type { CentralRoutesOptions, TenancyOptions, TenancyState } from './TenancyOptions.ts';
import { TenantSessions } from './TenantSessions.ts';
import { underTenantPath } from './underTenantPath.ts';

/**
 * Koa middleware that finds the tenant of a request, asks `authorize`, and runs everything after it in the tenant's
 * context. The tenant's lease lasts until the handler is done and the response has been sent or its client is gone.
 * Errors of the tenancy are answered with 400, 403, 404 or 503; every other error goes to Koa as it is.
 */
export function tenancy<T extends Tenant>(
  manager: TenancyManager<T>,
  options: TenancyOptions<T>,
): Middleware<TenancyState<T>>;
/** Koa middleware for routes that never have a tenant: they run with a fork of the central database. */
export function tenancy<T extends Tenant>(manager: TenancyManager<T>, options: CentralRoutesOptions): Middleware;
export function tenancy<T extends Tenant>(
  manager: TenancyManager<T>,
  options: TenancyOptions<T> | CentralRoutesOptions,
): Middleware<TenancyState<T>> {
  const door = new FrontDoor<Context, T>(manager, options, TenantSessions.of(options));
  return (ctx: Context, next) =>
    door.serve(new KoaExchange(ctx), (entered) => (entered === undefined ? next() : inTenant(ctx, entered, next)));
}

function inTenant<T extends Tenant>(ctx: Context, { lease, path, tenantPath }: Entered<T>, next: Next): Promise<void> {
  const state = ctx.state as TenancyState<T>;
  state.tenant = lease.tenant;
  state.tenantPath = tenantPath;
  return underTenantPath(ctx, path, async () => {
    await next();
    keepContext(ctx.body);
  });
}
