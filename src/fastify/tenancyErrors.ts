import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerPassed } from '../http/Passages.ts';

/** What Fastify's `setErrorHandler` takes. */
export type ErrorHandler = (
  this: FastifyInstance,
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
) => unknown;

/**
 * An error handler that answers the errors of the tenancy and leaves all others to `otherwise`. `tenancy` sets it where
 * it is registered; where a part of the application has an error handler of its own, give that to this.
 */
export function tenancyErrors(otherwise: ErrorHandler): ErrorHandler {
  return function answer(error, request, reply) {
    try {
      answerPassed(request.raw, error);
    } catch (other) {
      return otherwise.call(this, other as FastifyError, request, reply);
    }
    return reply;
  };
}
