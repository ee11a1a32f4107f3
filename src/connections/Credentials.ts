import { isDeepStrictEqual } from 'node:util';
import { unlessAborted } from './unlessAborted.ts';

/** As whom a tenant's connections are opened. More than one password while one of them is being replaced. */
export interface Credentials {
  readonly user: string;
  /** Tried in this order. */
  readonly passwords: readonly string[];
}

/** Gives the credentials of one tenant for each new connection. */
export interface CredentialSource {
  /** Those that are known. */
  get(): Promise<Credentials>;
  /** Those of now, after the ones that were known were refused. */
  refresh(): Promise<Credentials>;
  /** Hears which password was taken. */
  worked(password: string): void;
}

/** SQLSTATEs invalid_password and invalid_authorization_specification. */
const REFUSED: ReadonlySet<unknown> = new Set(['28P01', '28000']);

/** Whether the server answered, and did not take the user or the password. */
export function isRefusedLogin(error: unknown): boolean {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  return REFUSED.has(code) || (typeof cause === 'object' && cause !== null && isRefusedLogin(cause));
}

/** How often the passwords are tried where a password is being replaced: it may be between two attempts of one round. */
const MAX_ROUNDS = 4;

/**
 * Opens a connection by the passwords that are known, and by those of now where none of them is taken. Rejects with the
 * reason of `signal` as well: where passwords are kept may be slow to answer.
 */
export async function openAs<C>(
  source: CredentialSource,
  open: (user: string, password: string) => Promise<C>,
  signal?: AbortSignal,
): Promise<C> {
  let credentials = await unlessAborted(source.get(), signal);
  for (let round = 1; ; round += 1) {
    const opened = await attempt(credentials, open, source);
    if (opened.ok) {
      return opened.value;
    }
    const known = credentials;
    credentials = await unlessAborted(source.refresh(), signal);
    const isSettled = isDeepStrictEqual(credentials, known) && credentials.passwords.length === 1;
    if (isSettled || round === MAX_ROUNDS) {
      throw opened.error;
    }
  }
}

async function attempt<C>(
  { user, passwords }: Credentials,
  open: (user: string, password: string) => Promise<C>,
  source: CredentialSource,
): Promise<{ readonly ok: true; readonly value: C } | { readonly ok: false; readonly error: unknown }> {
  let refusal: unknown;
  for (const password of passwords) {
    try {
      const value = await open(user, password);
      source.worked(password);
      return { ok: true, value };
    } catch (error) {
      if (!isRefusedLogin(error)) {
        throw error;
      }
      refusal = error;
    }
  }
  return { ok: false, error: refusal };
}
