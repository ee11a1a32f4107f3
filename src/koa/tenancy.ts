import type { Context, Middleware, Next } from 'koa';
import {
  ClientGoneError,
  SessionOfOtherTenantError,
  TenancyConfigurationError,
  TenancyError,
  TenantAmbiguousError,
  TenantBehindError,
  TenantUnavailableError,
} from '../errors.ts';
import type { TenancyEmitter } from '../events.ts';
import { keepContext } from '../http/keepContext.ts';
import type { ResponseEnd } from '../http/ResponseEnd.ts';
import { ResponseWatch } from '../http/ResponseWatch.ts';
import { checkedFloor, untilFloor } from '../http/refusalFloor.ts';
import { TrustedProxies } from '../resolution/TrustedProxies.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { Admission, type InTenant } from './Admission.ts';
import { answerOrRethrow, headersOf } from './answerOrRethrow.ts';
import { centralRoutes } from './centralRoutes.ts';
import { exemption } from './exemption.ts';
import { KoaTenantRequest } from './KoaTenantRequest.ts';
import { redirectToPrimary } from './primaryDomain.ts';
import { routeMode } from './routeMode.ts';
import type {
  CentralRoutesOptions,
  TenancyLease,
  TenancyManager,
  TenancyOptions,
  TenancyState,
} from './TenancyOptions.ts';
import { TenantSessions } from './TenantSessions.ts';
import { tenantPathOf, underTenantPath } from './underTenantPath.ts';

/** Marks a `ctx.state` that has been through a tenancy middleware. */
const ENTERED = Symbol('tenancy');

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
  const sessions = TenantSessions.of(options);
  const withoutTenant = centralRoutes(manager, sessions);
  if (!('resolve' in options) && options.mode === 'central') {
    return (ctx: Context, next) => answered(ctx, manager.events, () => withoutTenant(ctx, next));
  }
  return tenantRoutes(manager, options as TenancyOptions<T>, sessions, withoutTenant);
}

function tenantRoutes<T extends Tenant>(
  manager: TenancyManager<T>,
  options: TenancyOptions<T>,
  sessions: TenantSessions | undefined,
  withoutTenant: ReturnType<typeof centralRoutes>,
): Middleware<TenancyState<T>> {
  const admission = new Admission(manager, options, sessions);
  const isExempt = exemption(options.exempt);
  const modeOf = routeMode(options.mode);
  const proxies = options.trustedProxies === undefined ? undefined : new TrustedProxies(options.trustedProxies);
  const floorMs = checkedFloor(options.refusalFloorMs);
  const { vary } = admission;
  const responses = new ResponseWatch();

  function inTenant(ctx: Context, { lease, path }: InTenant<T>, end: ResponseEnd, next: Next): Promise<void> {
    const state = ctx.state as TenancyState<T>;
    state.tenant = lease.tenant;
    state.tenantPath = tenantPathOf(ctx, path);
    const work = async (): Promise<void> => {
      await (sessions === undefined ? next() : sessions.run(ctx, lease.tenant, next));
      keepContext(ctx.body);
    };
    return underTenantPath(ctx, path, () => lease.run(work, { caller: end }));
  }

  return async (ctx: Context, next) => {
    const startedAt = performance.now();
    const request = new KoaTenantRequest(ctx, proxies);
    if (await isExempt(ctx, request.path)) {
      return next();
    }
    const mode = modeOf(ctx, request.path);
    if (mode === 'central') {
      return answered(ctx, manager.events, () => withoutTenant(ctx, next));
    }
    assertFirstEntry(ctx);
    if (vary.length > 0) {
      ctx.vary(vary);
    }
    const headers = headersOf(ctx);
    const end = responses.endOf(ctx.req, ctx.res);
    const admitted = await admission.admit(request, mode === 'either', end).catch(async (error: unknown) => {
      const isRefused = isRefusal(error);
      if (isRefused) {
        report(manager.events, error);
        if (error.status === 404) {
          await untilFloor(startedAt, floorMs);
        }
      }
      answerOrRethrow(ctx, error, headers, { isReported: isRefused });
    });
    switch (admitted?.is) {
      case 'elsewhere':
        return redirectToPrimary(ctx, admitted.url);
      case 'without tenant':
        return answered(ctx, manager.events, () => withoutTenant(ctx, next));
      case 'in tenant':
        break;
      default:
        return;
    }
    try {
      await inTenant(ctx, admitted, end, next);
    } catch (error) {
      if (!(error instanceof ClientGoneError)) {
        answerOrRethrow(ctx, error, headers);
      }
    } finally {
      end.whenOver(() => void release(ctx, admitted.lease));
    }
  };
}

/** Runs `work`, and answers errors of the tenancy. */
async function answered(ctx: Context, events: TenancyEmitter, work: () => Promise<unknown>): Promise<void> {
  const headers = headersOf(ctx);
  try {
    await work();
  } catch (error) {
    if (error instanceof SessionOfOtherTenantError) {
      report(events, error);
    }
    answerOrRethrow(ctx, error, headers);
  }
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
  return (
    error instanceof TenancyError &&
    (error.status < 500 || error instanceof TenantUnavailableError || error instanceof TenantBehindError)
  );
}

function report(events: TenancyEmitter, error: TenancyError): void {
  const { code, tenantId, cause } = error;
  events.emit('resolution:refused', { code, tenantId, ...(cause === undefined ? {} : { cause }) });
  if (error instanceof TenantAmbiguousError && tenantId !== undefined) {
    events.emit('resolution:disagreed', { tenantId, otherTenantId: error.otherTenantId, sources: error.sources });
  }
}

/** The response is over, so a failure to release can only be reported. */
async function release(ctx: Context, lease: TenancyLease): Promise<void> {
  try {
    await lease.release();
  } catch (error) {
    ctx.app.emit('error', error, ctx);
  }
}
