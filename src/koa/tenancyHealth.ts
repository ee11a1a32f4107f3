import type { Context, Middleware } from 'koa';
import { TenancyConfigurationError } from '../errors.ts';
import { type HealthManager, readiness } from './readiness.ts';

/** Options of {@link tenancyHealth}. */
export interface TenancyHealthOptions {
  /** Where operators find the details; `…/live` and `…/ready` are for everybody. @default '/health' */
  readonly path?: string | undefined;
  /** Who may see the details. Anything but `true` refuses, and looks like a path that nobody answers. @default nobody */
  readonly authorize?: ((ctx: Context) => boolean | Promise<boolean>) | undefined;
  /** How long the central database may take to answer, in milliseconds, if it has to be asked. @default 2000 */
  readonly timeoutMs?: number | undefined;
}

const DEFAULT_PATH = '/health';
const DEFAULT_TIMEOUT_MS = 2_000;
const MAX_TIMEOUT_MS = 60_000;
/** The longest time for which a server that is down is left alone. */
const RETRY_AFTER_SECONDS = 5;
const PATH = /^(?:\/[^/*?#]+)+$/;

/**
 * Koa middleware that answers for the process. `…/live`: 200 as long as it runs. `…/ready`: whether it can serve requests
 * of tenants, otherwise 503 with Retry-After. Neither says why, or names a tenant. The details, for those whom
 * `authorize` lets see them: why, and the manager's figures. Goes before `tenancy`.
 */
export function tenancyHealth(manager: HealthManager, options: TenancyHealthOptions = {}): Middleware {
  const { path, authorize, timeoutMs } = checked(options);

  async function answerReady(ctx: Context): Promise<void> {
    const isReady = (await readiness(manager, timeoutMs)).length === 0;
    if (!isReady) {
      ctx.set('Retry-After', String(RETRY_AFTER_SECONDS));
    }
    answer(ctx, isReady ? 200 : 503, { status: isReady ? 'ready' : 'not ready' });
  }

  async function answerDetails(ctx: Context): Promise<void> {
    const reasons = await readiness(manager, timeoutMs);
    answer(ctx, 200, { status: reasons.length === 0 ? 'ready' : 'not ready', reasons, ...manager.stats() });
  }

  return async (ctx, next) => {
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      return next();
    }
    switch (ctx.path) {
      case `${path}/live`:
        return answer(ctx, 200, { status: 'live' });
      case `${path}/ready`:
        return answerReady(ctx);
      case path:
        return (await authorize(ctx)) === true ? answerDetails(ctx) : next();
      default:
        return next();
    }
  };
}

function answer(ctx: Context, status: number, body: object): void {
  ctx.status = status;
  ctx.set('Cache-Control', 'no-store');
  ctx.type = 'json';
  ctx.body = JSON.stringify(body);
}

type CheckedHealthOptions = { readonly [K in keyof TenancyHealthOptions]-?: NonNullable<TenancyHealthOptions[K]> };

/** Fills in the defaults. Throws {@link TenancyConfigurationError}. */
function checked(options: TenancyHealthOptions): CheckedHealthOptions {
  const { path = DEFAULT_PATH, authorize = () => false, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  if (typeof path !== 'string' || !PATH.test(path)) {
    throw new TenancyConfigurationError('tenancyHealth: `path` is one path without a slash at its end, as "/health".');
  }
  if (typeof authorize !== 'function') {
    throw new TenancyConfigurationError('tenancyHealth: `authorize` is a function (ctx) => boolean.');
  }
  if (!(typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw new TenancyConfigurationError(`tenancyHealth: \`timeoutMs\` takes milliseconds up to ${MAX_TIMEOUT_MS}.`);
  }
  return { path, authorize, timeoutMs };
}
