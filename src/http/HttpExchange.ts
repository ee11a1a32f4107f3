import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Tenant } from '../tenant/Tenant.ts';
import type { HttpAnswer } from './HttpAnswer.ts';

/** One request and its response, as a framework has them: all that the core knows of it. */
export interface HttpExchange<C = unknown> {
  /** What the application's own functions get: Koa's and Hono's context, the request of Express and of Fastify. */
  readonly ctx: C;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** The path with its leading slash, as received and as this framework routes it; empty where it cannot be read. */
  readonly path: string;
  /** The target of the request line, as received. */
  readonly target: string;
  /** Whether no answer can be given any more, or the application gives it by itself. */
  readonly isAnswered: boolean;
  /** Adds to `Vary`. */
  vary(names: readonly string[]): void;
  /** A copy of the headers that the response has so far. */
  headers(): OutgoingHttpHeaders;
  /** Sends this, and of the headers those that are given; the response's own are dropped. */
  answer(answer: HttpAnswer, headers: OutgoingHttpHeaders): void;
  /** Sends the client to another domain of the tenant, by 308. */
  redirect(url: string): void;
  /** Tells the application of something that failed and that it cannot hear of otherwise. */
  report(error: unknown): void;
}

/** The tenant of a request, and how its path begins. What handlers find in the state of their framework. */
export interface TenancyState<T extends Tenant = Tenant> {
  /** The tenant of this request. */
  tenant: T;
  /** What to put before the path of a link: `/t/acme` where `byPath` named the tenant, otherwise empty. */
  tenantPath: string;
}
