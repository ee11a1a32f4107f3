import { TenancyError } from '../errors.ts';

/** A code of this library, or one like it; an application's own errors may hold anything. */
const CODE = /^[A-Z][A-Z_]{1,39}$/;

/** A code as the value of a label. */
export function labelOf(code: string): string {
  return CODE.test(code) ? code : 'OTHER';
}

/** What an error is called in a label, of which there are few: a code, `ABORTED` or `OTHER`; without one it is `OK`. */
export function codeOf(error: unknown): string {
  if (error === undefined) {
    return 'OK';
  }
  if (error instanceof TenancyError) {
    return labelOf(error.code);
  }
  const { name } = (error ?? {}) as { readonly name?: unknown };
  return name === 'AbortError' || name === 'TimeoutError' ? 'ABORTED' : 'OTHER';
}
