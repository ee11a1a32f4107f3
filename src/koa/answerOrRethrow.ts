import { type OutgoingHttpHeaders, STATUS_CODES } from 'node:http';
import type { Context } from 'koa';
import { TenancyError, TenantNotFoundError } from '../errors.ts';

/**
 * Answers an error of the tenancy with its status and a body of JSON or plain text. Errors of programming and
 * configuration (500), other errors, and those that come after the headers are thrown again, for Koa.
 *
 * `headers` are those of the response before the tenant came in, by {@link headersOf}. All later ones are dropped, so that every 404 is the
 * same to the byte, whatever its reason. What is not reported yet and failed (503) goes to the `error` event of the app.
 */
export function answerOrRethrow(
  ctx: Context,
  error: unknown,
  headers: OutgoingHttpHeaders,
  { isReported = false }: { readonly isReported?: boolean } = {},
): void {
  if (!(error instanceof TenancyError) || error.status === 500 || ctx.headerSent || ctx.respond === false) {
    throw error;
  }
  if (error.status > 500 && !isReported) {
    ctx.app.emit('error', error, ctx);
  }
  resetHeaders(ctx, headers);
  answer(ctx, error);
}

function answer(ctx: Context, error: TenancyError): void {
  const { status } = error;
  const code = status === 404 ? new TenantNotFoundError().code : error.code;
  const message = error.expose ? error.message : (STATUS_CODES[status] ?? 'Error');
  ctx.status = status;
  ctx.set('Cache-Control', 'no-store');
  ctx.vary('Accept');
  if (status === 503 && 'retryAfterSeconds' in error) {
    ctx.set('Retry-After', String(error.retryAfterSeconds));
  }
  const isJson = ctx.accepts('json', 'text', 'html') === 'json';
  ctx.type = isJson ? 'json' : 'text';
  ctx.body = isJson ? JSON.stringify({ error: { code, message } }) : `${message}\n`;
}

/** A copy of the response's headers. Lists are copied too: `ctx.cookies` appends to the one that is there. */
export function headersOf(ctx: Context): OutgoingHttpHeaders {
  if (ctx.res.getHeaderNames().length === 0) {
    return {};
  }
  const entries = Object.entries(ctx.res.getHeaders());
  return Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? [...value] : value]));
}

function resetHeaders(ctx: Context, headers: OutgoingHttpHeaders): void {
  for (const name of ctx.res.getHeaderNames()) {
    ctx.res.removeHeader(name);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) {
      ctx.res.setHeader(name, value);
    }
  }
}
