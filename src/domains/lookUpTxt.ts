import { Resolver } from 'node:dns/promises';

/** What is needed of a resolver of node's `dns/promises`. */
export interface TxtResolver {
  /** Each record in its parts. Rejects with an error whose `code` is node's, as `ENOTFOUND`. */
  resolveTxt(name: string): Promise<readonly (readonly string[])[]>;
  /** Ends what is still under way. */
  cancel?(): void;
}

const TRIES = 2;

/** Codes of node's resolver for a name that is not there, or has no such record. */
const ABSENT: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA']);

/** The system's DNS servers, twice within the deadline. */
export function systemResolver(timeoutMs: number): TxtResolver {
  return new Resolver({ timeout: Math.ceil(timeoutMs / TRIES), tries: TRIES });
}

/** The values of the TXT records of a name; none where there are none. Rejects when nobody answers in time. */
export async function lookUpTxt(name: string, resolver: TxtResolver, timeoutMs: number): Promise<readonly string[]> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`No DNS server answered within ${timeoutMs} ms.`)), timeoutMs);
  timer.unref();
  try {
    const records = await Promise.race([resolver.resolveTxt(name), late]);
    return records.map((parts) => parts.join(''));
  } catch (error) {
    if (ABSENT.has((error as { readonly code?: unknown } | undefined)?.code)) {
      return [];
    }
    throw error;
  } finally {
    clearTimeout(timer);
    resolver.cancel?.();
  }
}
