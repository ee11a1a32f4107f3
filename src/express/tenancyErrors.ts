import type { ErrorRequestHandler } from 'express';
import { answerPassed } from '../http/Passages.ts';

/**
 * Express middleware for errors, behind all routes: answers those of the tenancy that handlers left to Express, as a
 * connection that did not become free in time (503), with nothing of the response that they had begun. All others, and
 * those of routes that `tenancy` left alone, go on.
 */
export function tenancyErrors(): ErrorRequestHandler {
  return (error, req, _res, next) => {
    try {
      answerPassed(req, error);
    } catch (other) {
      next(other);
    }
  };
}
