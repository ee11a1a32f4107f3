import type { Readable, Writable } from 'node:stream';

/** A stream to write to, which may be a terminal. */
export type Out = Writable & { readonly isTTY?: boolean | undefined; readonly columns?: number | undefined };

/** What the command line has of the process that it runs in. */
export interface CliIo {
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined };
  readonly stdout: Out;
  readonly stderr: Out;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether it was asked to end: what is under way is finished, and nothing more begun. */
  readonly signal: AbortSignal;
}

/** The command line was used in a way that it does not understand; exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const EXIT = Object.freeze({ ok: 0, failed: 1, usage: 2, interrupted: 130 });
