import type { IncomingMessage } from 'node:http';
import { type ArgumentsHost, Catch, type Type } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { ClientGoneError } from '../errors.ts';
import { isAnswerable } from '../http/HttpAnswer.ts';
import { answerPassed } from '../http/Passages.ts';

/** What the filter is for, as Nest asks for it: by `instanceof`. Defects of the program are left to other filters. */
const AnswerableError = {
  [Symbol.hasInstance]: (error: unknown): boolean => isAnswerable(error) || error instanceof ClientGoneError,
} as unknown as Type<Error>;

/** Answers errors of the tenancy that handlers threw. Those of routes that the tenancy left alone go to Nest. */
export class TenancyErrorsFilter extends BaseExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<IncomingMessage & { readonly raw?: IncomingMessage }>();
    const reply = http.getResponse<{ hijack?: () => void }>();
    try {
      answerPassed(request.raw ?? request, error);
      // Fastify would send an answer of its own, when the handler is over.
      reply.hijack?.();
    } catch (other) {
      // oxlint-disable-next-line promise/valid-params -- a filter's method, no promise's
      super.catch(other, host);
    }
  }
}

// As a call: source files are run without a compiler, which decorators need.
Catch(AnswerableError)(TenancyErrorsFilter);
