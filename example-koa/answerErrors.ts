import { STATUS_CODES } from 'node:http';
import Koa, { type Context, type Next } from 'koa';

/**
 * Gives every refusal one shape, that of the library: `{ error: { code, message } }`, with `issues` where single
 * fields are wrong. What nobody expected is left to Koa: a 500 without details, and a line in the log.
 */
export async function answerErrors(ctx: Context, next: Next): Promise<void> {
  ctx.set('X-Content-Type-Options', 'nosniff');
  try {
    await next();
    if (ctx.status >= 400 && (ctx.body === undefined || ctx.body === null)) {
      answer(ctx, ctx.status);
    }
  } catch (error) {
    if (!(error instanceof Koa.HttpError) || !error.expose) {
      throw error;
    }
    ctx.set(error.headers ?? {});
    answer(ctx, error.status, error.message, error['issues']);
  }
}

function answer(ctx: Context, status: number, message = STATUS_CODES[status] ?? 'Error', issues?: unknown): void {
  const code = (STATUS_CODES[status] ?? 'error').toUpperCase().replaceAll(/\W+/g, '_');
  ctx.status = status;
  ctx.body = { error: { code, message, issues } };
}
