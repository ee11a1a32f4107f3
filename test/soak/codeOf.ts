import { TenancyError } from 'mikro-orm-multitenancy';

/** SQLSTATEs of a session that its server ended, and codes of a socket that broke. */
const LOST: ReadonlySet<unknown> = new Set(['57P01', '57P02', '57P03', '08003', '08006', 'ECONNRESET', 'EPIPE']);

/** What `pg` says, without a code, of a connection that broke under a statement, or before it. */
const LOST_WORDS = /Connection terminated|connection error and is not queryable|Client was closed/i;

interface ErrorLike {
  readonly message?: unknown;
  readonly name?: unknown;
  readonly code?: unknown;
  readonly cause?: unknown;
}

/** A word for an error: the code of one of the library's, `CONNECTION_LOST` for a cut connection, or all that it says. */
export function codeOf(error: unknown): string {
  for (let reason = error as ErrorLike | undefined; reason instanceof Error; reason = reason.cause as ErrorLike) {
    if (reason instanceof TenancyError) {
      return reason.code;
    }
    if (LOST.has((reason as ErrorLike).code) || LOST_WORDS.test(reason.message)) {
      return 'CONNECTION_LOST';
    }
  }
  const { name, code, message } = error as ErrorLike;
  return `${String(name)} ${String(code)}: ${String(message)}`.slice(0, 300);
}
