import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Entered } from '../http/FrontDoor.ts';
import { type HttpAnswer, redirectTo } from '../http/HttpAnswer.ts';
import type { PassageExchange } from '../http/Passages.ts';
import { pathOf } from '../http/pathOf.ts';
import { varyBy } from '../http/varyBy.ts';
import type { Tenant } from '../tenant/Tenant.ts';

/** A request and its reply in Fastify, which keeps headers to itself until it sends them. */
export class FastifyExchange implements PassageExchange<FastifyRequest> {
  readonly ctx: FastifyRequest;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly path: string;
  readonly #reply: FastifyReply;

  constructor(request: FastifyRequest, reply: FastifyReply) {
    this.ctx = request;
    this.req = request.raw;
    this.res = reply.raw;
    this.path = pathOf(request.raw.url ?? '');
    this.#reply = reply;
  }

  get target(): string {
    return this.ctx.originalUrl;
  }

  get isAnswered(): boolean {
    return this.#reply.sent || this.res.headersSent;
  }

  vary(names: readonly string[]): void {
    const before = [this.#reply.getHeader('vary') ?? ''].flat().join(', ');
    this.#reply.header('vary', varyBy(before, names));
  }

  headers(): OutgoingHttpHeaders {
    const entries = Object.entries(this.#reply.getHeaders());
    return Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? [...value] : value]));
  }

  answer({ status, headers, variesByAccept, body }: HttpAnswer, before: OutgoingHttpHeaders): void {
    const reply = this.#reply;
    for (const name of Object.keys(reply.getHeaders())) {
      reply.removeHeader(name);
      this.res.removeHeader(name);
    }
    reply.code(status).headers({ ...before, ...headers });
    if (variesByAccept) {
      this.vary(['Accept']);
    }
    void reply.send(body);
  }

  redirect(url: string): void {
    this.answer(redirectTo(url), this.headers());
  }

  report(error: unknown): void {
    this.ctx.log.error(error);
  }

  /** The path stays: Fastify has found the route before any hook runs. */
  enter({ lease, tenantPath }: Entered<Tenant>): void {
    this.ctx.tenant = lease.tenant;
    this.ctx.tenantPath = tenantPath;
  }

  /** Hooks of session plugins run before those that come after them, so that theirs would have saved already. */
  beforeEnd(work: () => void): void {
    const reply = this.#reply;
    const { send } = reply;
    reply.send = (payload?: unknown) => {
      work();
      return send.call(reply, payload);
    };
  }
}
