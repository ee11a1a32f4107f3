import { TenancyError } from '../errors.ts';
import { parseHost } from '../resolution/parseHost.ts';

/** `http://example.com/path?query` with its authority and what follows it. */
const ABSOLUTE_FORM = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(.*)$/is;

/**
 * The path of a request's target, as received; empty where it cannot be read: of a malformed authority nobody can say
 * where it ends, and a `#` no request may have.
 */
export function pathOf(target: string): string {
  const [, authority, below] = ABSOLUTE_FORM.exec(target) ?? [];
  if (target.includes('#') || (authority !== undefined && !isReadable(authority))) {
    return '';
  }
  const [path = ''] = (below ?? target).split('?', 1);
  return path === '' ? '/' : path;
}

/** The query of a request's target with its question mark, or nothing. */
export function searchOf(target: string): string {
  const mark = target.indexOf('?');
  return mark === -1 ? '' : target.slice(mark);
}

function isReadable(authority: string): boolean {
  try {
    return authority === '' || parseHost([authority]) !== undefined;
  } catch (error) {
    if (error instanceof TenancyError) {
      return false;
    }
    throw error;
  }
}
