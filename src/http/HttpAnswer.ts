import { type IncomingMessage, STATUS_CODES } from 'node:http';
import Negotiator from 'negotiator';
import { ClientGoneError, TenancyError, TenantNotFoundError } from '../errors.ts';

/** What a front door answers by itself. `Vary: Accept` is to be added, and the length of the body. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the body was chosen by the Accept header. */
  readonly variesByAccept: boolean;
  readonly body: string;
}

const TYPES = { json: 'application/json', text: 'text/plain', html: 'text/html' } as const;

/** Whether the tenancy answers this error, and not the application: its own ones, but for defects of the program. */
export function isAnswerable(error: unknown): error is TenancyError {
  return error instanceof TenancyError && error.status !== 500 && !(error instanceof ClientGoneError);
}

/**
 * The answer to an error of the tenancy: its status, and a body of JSON or plain text. Every 404 is the same to the byte,
 * whatever its reason.
 */
export function answerTo(error: TenancyError, req: Pick<IncomingMessage, 'headers'>): HttpAnswer {
  const { status } = error;
  const code = status === 404 ? new TenantNotFoundError().code : error.code;
  const message = error.expose ? error.message : (STATUS_CODES[status] ?? 'Error');
  const isJson = wantsJson(req);
  return {
    status,
    headers: {
      'Cache-Control': 'no-store',
      ...(status === 503 && 'retryAfterSeconds' in error ? { 'Retry-After': String(error.retryAfterSeconds) } : {}),
      'Content-Type': `${isJson ? TYPES.json : TYPES.text}; charset=utf-8`,
    },
    variesByAccept: true,
    body: isJson ? JSON.stringify({ error: { code, message } }) : `${message}\n`,
  };
}

/** 308 keeps method and body. No cache may keep it: another day another domain may be the primary one. */
export function redirectTo(target: string): HttpAnswer {
  // What is no visible ASCII came as single bytes.
  const url = target.replace(/[^!-~]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
  return {
    status: 308,
    headers: { Location: url, 'Cache-Control': 'no-store', 'Content-Type': `${TYPES.text}; charset=utf-8` },
    variesByAccept: false,
    body: `Redirecting to ${url}\n`,
  };
}

function wantsJson(req: Pick<IncomingMessage, 'headers'>): boolean {
  const { accept = '' } = req.headers;
  return accept === '' || new Negotiator(req).mediaType([TYPES.json, TYPES.text, TYPES.html]) === TYPES.json;
}
