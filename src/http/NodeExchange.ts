import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Tenant } from '../tenant/Tenant.ts';
import type { Entered } from './FrontDoor.ts';
import { type HttpAnswer, redirectTo } from './HttpAnswer.ts';
import type { PassageExchange } from './Passages.ts';
import { pathOf, searchOf } from './pathOf.ts';
import { copyHeaders, resetHeaders } from './responseHeaders.ts';
import { varyBy } from './varyBy.ts';

/** Node's own request, with what middleware in the manner of Connect adds to it. */
export interface NodeRequest extends IncomingMessage {
  /** The target before a router has taken its part of the path away. */
  originalUrl?: string;
}

/** Where the application wants to hear of failures that were answered already, or came after the answer. */
export interface FailureOptions<C> {
  /** Called with what was answered 503, and with a tenant's failure to be let go. @default it goes to `console.error` */
  readonly onFailure?: ((error: unknown, ctx: C) => void) | undefined;
}

/** A request and its response for middleware in the manner of Connect, which sees Node's own. */
export class NodeExchange<C extends NodeRequest> implements PassageExchange<C> {
  readonly ctx: C;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly path: string;
  readonly target: string;
  readonly #onFailure: FailureOptions<C>['onFailure'];

  constructor(req: C, res: ServerResponse, { onFailure }: FailureOptions<C>) {
    const { url = '', originalUrl = url } = req;
    this.ctx = req;
    this.req = req;
    this.res = res;
    this.path = pathOf(url);
    this.target = originalUrl;
    this.#onFailure = onFailure;
  }

  get isAnswered(): boolean {
    return this.res.headersSent;
  }

  vary(names: readonly string[]): void {
    const { res } = this;
    res.setHeader('Vary', varyBy([res.getHeader('Vary') ?? ''].flat().join(', '), names));
  }

  headers(): OutgoingHttpHeaders {
    return copyHeaders(this.res);
  }

  answer({ status, headers, variesByAccept, body }: HttpAnswer, before: OutgoingHttpHeaders): void {
    const { res } = this;
    resetHeaders(res, before);
    res.statusCode = status;
    for (const [name, value] of Object.entries(headers)) {
      res.setHeader(name, value);
    }
    if (variesByAccept) {
      this.vary(['Accept']);
    }
    res.setHeader('Content-Length', Buffer.byteLength(body));
    res.end(body);
  }

  redirect(url: string): void {
    this.answer(redirectTo(url), this.headers());
  }

  report(error: unknown): void {
    if (this.#onFailure === undefined) {
      console.error(error);
    } else {
      this.#onFailure(error, this.ctx);
    }
  }

  enter({ lease, path, tenantPath }: Entered<Tenant>): void {
    const { ctx } = this;
    Object.assign(ctx, { tenant: lease.tenant, tenantPath });
    if (path !== undefined) {
      ctx.url = path + searchOf(ctx.url ?? '');
    }
  }

  beforeEnd(work: () => void): void {
    const { res } = this;
    const end = res.end as (...args: unknown[]) => ServerResponse;
    res.end = (...args: unknown[]): ServerResponse => {
      work();
      return end.apply(res, args);
    };
  }
}
