import type { Context, MiddlewareHandler, Next } from 'hono';
import { type Entered, FrontDoor } from '../http/FrontDoor.ts';
import { isAnswerable } from '../http/HttpAnswer.ts';
import { keepContextOfEvents, keepContextOfStream } from '../http/keepContext.ts';
import { SessionBinding } from '../http/SessionBinding.ts';
import type { TenancyManager } from '../http/TenancyOptions.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { HonoExchange } from './HonoExchange.ts';
import type { CentralRoutesOptions, TenancyEnv, TenancyOptions } from './TenancyOptions.ts';

/**
 * Hono middleware that finds the tenant of a request, asks `authorize`, and runs everything after it in the tenant's
 * context. The tenant's lease lasts until the handler is done and the response has been sent or its client is gone.
 * Errors of the tenancy are answered with 400, 403, 404 or 503; every other error goes to Hono as it is.
 */
export function tenancy<T extends Tenant>(
  manager: TenancyManager<T>,
  options: TenancyOptions<T> | CentralRoutesOptions,
): MiddlewareHandler<TenancyEnv<T>> {
  const door = new FrontDoor<Context, T>(manager, options, SessionBinding.of(options.session));
  return (ctx, next) => door.serve(new HonoExchange(ctx, options), (entered) => handled(ctx, entered, next));
}

async function handled<T extends Tenant>(
  ctx: Context<TenancyEnv<T>>,
  entered: Entered<T> | undefined,
  next: Next,
): Promise<void> {
  if (entered === undefined) {
    await next();
    return;
  }
  const { lease, tenantPath } = entered;
  ctx.set('tenant', lease.tenant);
  ctx.set('tenantPath', tenantPath);
  const { incoming, outgoing } = ctx.env;
  keepContextOfEvents(incoming, outgoing);
  await next();
  // Hono answers an error before the middleware around the handler hears of it.
  if (isAnswerable(ctx.error)) {
    throw ctx.error;
  }
  keepContextOfStream(ctx.res.body);
}
