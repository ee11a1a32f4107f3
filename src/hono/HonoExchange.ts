import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { TenancyConfigurationError } from '../errors.ts';
import { type HttpAnswer, redirectTo } from '../http/HttpAnswer.ts';
import type { HttpExchange } from '../http/HttpExchange.ts';
import type { FailureOptions } from '../http/NodeExchange.ts';
import { pathOf } from '../http/pathOf.ts';
import { varyBy } from '../http/varyBy.ts';

/** A request and its response in Hono, on a server of Node.js. */
export class HonoExchange implements HttpExchange<Context> {
  readonly ctx: Context;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly path: string;
  readonly target: string;
  readonly #onFailure: FailureOptions<Context>['onFailure'];

  constructor(ctx: Context, { onFailure }: FailureOptions<Context>) {
    const { incoming, outgoing } = (ctx.env ?? {}) as Partial<HttpBindings>;
    if (incoming === undefined || outgoing === undefined) {
      throw new TenancyConfigurationError(
        'tenancy: this request did not come by a server of Node.js. Serve the application by `@hono/node-server`; only ' +
          'there can be seen when a response is over and its tenant is to be let go.',
      );
    }
    this.ctx = ctx;
    this.req = incoming;
    this.res = outgoing;
    this.target = incoming.url ?? '';
    this.path = routedPath(ctx, this.target);
    this.#onFailure = onFailure;
  }

  get isAnswered(): boolean {
    return this.res.headersSent;
  }

  vary(names: readonly string[]): void {
    const { headers } = this.ctx.res;
    headers.set('Vary', varyBy(headers.get('Vary') ?? '', names));
  }

  headers(): OutgoingHttpHeaders {
    const { headers } = this.ctx.res;
    const cookies = headers.getSetCookie();
    return { ...Object.fromEntries(headers), ...(cookies.length > 0 ? { 'set-cookie': cookies } : {}) };
  }

  answer({ status, headers, variesByAccept, body }: HttpAnswer, before: OutgoingHttpHeaders): void {
    const { ctx } = this;
    const response = new Response(body, { status, headers: webHeaders({ ...before, ...headers }) });
    response.headers.set('Content-Length', String(Buffer.byteLength(body)));
    for (const name of this.res.getHeaderNames()) {
      // A handler may have set some past Hono.
      this.res.removeHeader(name);
    }
    // Otherwise Hono would put the headers of the response that is dropped into this one.
    ctx.res = undefined;
    ctx.res = response;
    if (variesByAccept) {
      this.vary(['Accept']);
    }
  }

  redirect(url: string): void {
    this.answer(redirectTo(url), this.headers());
  }

  report(error: unknown): void {
    if (error === this.ctx.error) {
      // Hono has given it to `onError`.
      return;
    }
    if (this.#onFailure === undefined) {
      console.error(error);
    } else {
      this.#onFailure(error, this.ctx);
    }
  }
}

/** The path as received, or an empty one where Hono routes another: of `/x/../y` its server makes `/y`. */
function routedPath(ctx: Context, target: string): string {
  const path = pathOf(target);
  return pathOf(ctx.req.url) === path ? path : '';
}

function webHeaders(headers: OutgoingHttpHeaders): Headers {
  const made = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const each of [value ?? []].flat()) {
      made.append(name, String(each));
    }
  }
  return made;
}
