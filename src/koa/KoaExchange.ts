import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Context } from 'koa';
import type { HttpAnswer } from '../http/HttpAnswer.ts';
import type { HttpExchange } from '../http/HttpExchange.ts';
import { copyHeaders, resetHeaders } from '../http/responseHeaders.ts';

/** A request and its response in Koa. */
export class KoaExchange implements HttpExchange<Context> {
  readonly ctx: Context;
  readonly path: string;

  constructor(ctx: Context) {
    this.ctx = ctx;
    this.path = pathOf(ctx);
  }

  get req(): IncomingMessage {
    return this.ctx.req;
  }

  get res(): ServerResponse {
    return this.ctx.res;
  }

  get target(): string {
    return this.ctx.originalUrl;
  }

  get isAnswered(): boolean {
    return this.ctx.headerSent || this.ctx.respond === false;
  }

  vary(names: readonly string[]): void {
    this.ctx.vary([...names]);
  }

  headers(): OutgoingHttpHeaders {
    return copyHeaders(this.ctx.res);
  }

  answer({ status, headers, variesByAccept, body }: HttpAnswer, before: OutgoingHttpHeaders): void {
    const { ctx } = this;
    resetHeaders(ctx.res, before);
    ctx.status = status;
    ctx.set({ ...headers });
    if (variesByAccept) {
      ctx.vary('Accept');
    }
    ctx.body = body;
  }

  redirect(url: string): void {
    const { ctx } = this;
    ctx.redirect(url);
    ctx.status = 308;
    // Another day another domain may be the primary one.
    ctx.set('Cache-Control', 'no-store');
  }

  report(error: unknown): void {
    this.ctx.app.emit('error', error, this.ctx);
  }
}

/**
 * Koa's `path`, or an empty one when the request line cannot be parsed. So it is also with a `#`, which no request may
 * have, and when Koa makes another path of it, as of backslashes before a `#`: a proxy may make something else.
 */
function pathOf(ctx: Context): string {
  try {
    const { path } = ctx;
    const { url = '' } = ctx.req;
    const mark = url.indexOf('?');
    const isSame = !url.startsWith('/') || path === (mark === -1 ? url : url.slice(0, mark));
    return isSame && !url.includes('#') ? (path ?? '') : '';
  } catch {
    return '';
  }
}
