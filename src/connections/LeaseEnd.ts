import { LeaseReleasedError, TenantClosedError } from '../errors.ts';

/** Why the user of a connection has it no more: he gave it back, it was taken from him, or it broke. */
export type LeaseEnd =
  | { readonly is: 'released' }
  | { readonly is: 'revoked' }
  | { readonly is: 'broken'; readonly cause: unknown }
  | { readonly is: 'lost'; readonly error: Error };

/** The error for a statement that is sent after that. Only who gave the connection back himself has made a mistake. */
export function refusalAfter(end: LeaseEnd, tenantId: string): Error {
  switch (end.is) {
    case 'broken':
      return new ConnectionLostError(end.cause);
    case 'lost':
      return end.error;
    case 'revoked':
      return new TenantClosedError(tenantId, 'its time to finish was over');
    default:
      return new LeaseReleasedError(tenantId, 'a statement was sent on a connection that had been given back.');
  }
}

/** In the words of `pg` for the statement that was under way, since those that follow fail for the same reason. */
class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
  /** The SQLSTATE, or what the system says of the socket, where either is known. */
  readonly code: unknown;

  constructor(cause: unknown) {
    super('Connection terminated unexpectedly', cause === undefined ? undefined : { cause });
    this.code = (cause as { readonly code?: unknown } | undefined)?.code;
  }
}
