import { TenantConnectionError, TenantDatabaseMissingError, WrongDatabaseError } from '../errors.ts';

/**
 * What a failed attempt to connect says: `server` when nobody can connect, `full` when the server takes no more
 * clients, `tenant` when it answered and refused this tenant, `unknown` when it was not asked.
 */
export type ConnectFailure = 'server' | 'full' | 'tenant' | 'unknown';

/** The server did not finish the handshake in time. */
export class ConnectDeadlineError extends Error {
  override readonly name = 'ConnectDeadlineError';

  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`);
  }
}

/**
 * What a connection is opened by could not be had, so that the server was not asked. The error behind it is the cause,
 * whose message may say too much.
 */
export class CredentialsError extends TenantConnectionError {
  constructor(tenantId: string, why: string, cause?: unknown) {
    super(tenantId, why, { cause });
    this.name = 'TenantConnectionError';
  }
}

/** What to do where a server is full. */
export const TOO_MANY_CLIENTS =
  'lower `maxConnections` of every process that uses the server, or raise its own max_connections';

/** SQLSTATEs: cannot_connect_now, admin_shutdown, crash_shutdown. */
const SERVER_STATES: ReadonlySet<string> = new Set(['57P03', '57P01', '57P02']);
/** SQLSTATE too_many_connections, and what MySQL says of itself and of one of its accounts. */
const TOO_MANY_CONNECTIONS: ReadonlySet<string> = new Set([
  '53300',
  'ER_CON_COUNT_ERROR',
  'ER_TOO_MANY_USER_CONNECTIONS',
  'ER_USER_LIMIT_REACHED',
]);

const SYSTEM_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'ENOENT',
  // Of `mysql2`, and of a MySQL that is about to end.
  'PROTOCOL_CONNECTION_LOST',
  'HANDSHAKE_NO_SSL_SUPPORT',
  'HANDSHAKE_SSL_ERROR',
  'ER_SERVER_SHUTDOWN',
]);

/** What `pg` says, without a code, of a server that hangs up or speaks no TLS. */
const SERVER_MESSAGES = /^Connection terminated|SSL connection|TLS connection/;

/** What an error of opening a connection, or the cause of it, says of the server. */
export function connectFailureOf(error: unknown): ConnectFailure {
  if (error instanceof WrongDatabaseError || error instanceof TenantDatabaseMissingError) {
    return 'tenant';
  }
  if (error instanceof CredentialsError) {
    return 'unknown';
  }
  // Not `instanceof Error`: an error of Node.js may come from another realm, as in tests that run in one of their own.
  for (let reason = error; isErrorLike(reason); reason = reason.cause) {
    const failure = failureOf(reason);
    if (failure !== 'unknown') {
      return failure;
    }
  }
  return 'unknown';
}

interface ErrorLike {
  readonly message: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
}

function isErrorLike(value: unknown): value is ErrorLike {
  return typeof value === 'object' && value !== null && 'message' in value;
}

function failureOf(reason: ErrorLike): ConnectFailure {
  const { code } = reason;
  if (reason instanceof ConnectDeadlineError || SERVER_MESSAGES.test(String(reason.message))) {
    return 'server';
  }
  if (typeof code !== 'string') {
    return 'unknown';
  }
  if (TOO_MANY_CONNECTIONS.has(code)) {
    return 'full';
  }
  if (
    SERVER_STATES.has(code) ||
    SYSTEM_CODES.has(code) ||
    /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code)
  ) {
    return 'server';
  }
  return /^(?:[0-9A-Z]{5}|ER_[A-Z_]+)$/.test(code) ? 'tenant' : 'unknown';
}
