import type { Context, Middleware } from 'koa';
import {
  ClientGoneError,
  TenancyConfigurationError,
  TenancyError,
  TenantForbiddenError,
  TenantUnavailableError,
} from '../errors.ts';
import { resolveTenant } from '../resolution/resolveTenant.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { answerOrRethrow, headersOf } from './answerOrRethrow.ts';
import { exemption } from './exemption.ts';
import { KoaTenantRequest } from './KoaTenantRequest.ts';
import { keepContext } from './keepContext.ts';
import type { ResponseEnd } from './ResponseEnd.ts';
import { ResponseWatch } from './ResponseWatch.ts';
import {
  checkedResolvers,
  type TenancyLease,
  type TenancyManager,
  type TenancyOptions,
  type TenancyState,
} from './TenancyOptions.ts';
import { tenantPathOf, underTenantPath } from './underTenantPath.ts';

/** Marks a `ctx.state` that has been through a tenancy middleware. */
const ENTERED = Symbol('tenancy');

/**
 * Koa middleware that finds the tenant of a request, asks `authorize`, and runs everything after it in the tenant's
 * context. The tenant's lease lasts until the handler is done and the response has been sent or its client is gone.
 * Errors of the tenancy are answered with 400, 404 or 503; every other error goes to Koa as it is.
 */
export function tenancy<T extends Tenant>(
  manager: TenancyManager<T>,
  options: TenancyOptions<T>,
): Middleware<TenancyState<T>> {
  const resolvers = checkedResolvers(options);
  const isExempt = exemption(options.exempt);
  const vary = resolvers.flatMap((resolver) => resolver.vary ?? []);
  const responses = new ResponseWatch();

  async function enter(ctx: Context, request: KoaTenantRequest, end: ResponseEnd) {
    const { tenant, path } = await resolveTenant(request, resolvers, manager.catalog);
    if ((await options.authorize(ctx, tenant)) !== true) {
      throw new TenantForbiddenError(tenant.id);
    }
    if (end.isOver) {
      return undefined;
    }
    const lease = await manager.acquire(tenant.id);
    if (end.isOver) {
      await lease.release();
      return undefined;
    }
    return { lease, path };
  }

  return async (ctx: Context, next) => {
    const request = new KoaTenantRequest(ctx);
    if (await isExempt(ctx, request.path)) {
      return next();
    }
    assertFirstEntry(ctx);
    if (vary.length > 0) {
      ctx.vary(vary);
    }
    const headers = headersOf(ctx);
    const end = responses.endOf(ctx.req, ctx.res);
    const entered = await enter(ctx, request, end).catch((error: unknown) => {
      const isRefused = isRefusal(error);
      if (isRefused) {
        manager.events.emit('resolution:refused', { code: error.code, tenantId: error.tenantId });
      }
      answerOrRethrow(ctx, error, headers, { isReported: isRefused });
    });
    if (entered === undefined) {
      return;
    }
    const { lease, path } = entered;
    try {
      const state = ctx.state as TenancyState<T>;
      state.tenant = lease.tenant;
      state.tenantPath = tenantPathOf(ctx, path);
      await underTenantPath(ctx, path, () =>
        lease.run(
          async () => {
            await next();
            keepContext(ctx.body);
          },
          { caller: end },
        ),
      );
    } catch (error) {
      if (!(error instanceof ClientGoneError)) {
        answerOrRethrow(ctx, error, headers);
      }
    } finally {
      end.whenOver(() => void release(ctx, lease));
    }
  };
}

function assertFirstEntry(ctx: Context): void {
  if (ENTERED in ctx.state) {
    throw new TenancyConfigurationError(
      'tenancy: this request has been through `tenancy` already. Use the middleware once on the way to a handler; ' +
        'for work in a second tenant call `manager.run(id, …)`.',
    );
  }
  Reflect.set(ctx.state, ENTERED, true);
}

/** Whether the error says that this client gets no tenant, rather than that something failed. */
function isRefusal(error: unknown): error is TenancyError {
  return error instanceof TenancyError && (error.status < 500 || error instanceof TenantUnavailableError);
}

/** The response is over, so a failure to release can only be reported. */
async function release(ctx: Context, lease: TenancyLease): Promise<void> {
  try {
    await lease.release();
  } catch (error) {
    ctx.app.emit('error', error, ctx);
  }
}
