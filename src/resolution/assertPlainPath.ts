import { BadTenantRequestError } from '../errors.ts';

/**
 * Throws {@link BadTenantRequestError} when a proxy and this process could read the path differently and so see two
 * tenants: dot segments, also behind `%2e` and `%2f`, empty segments, backslashes, control characters, bad encoding.
 */
export function assertPlainPath(path: string): void {
  const decoded = decode(path);
  if (
    decoded === undefined ||
    path.includes('//') ||
    path.includes('\\') ||
    /\p{Cc}/u.test(decoded) ||
    decoded.split(/[/\\]/).some((segment) => segment === '.' || segment === '..')
  ) {
    throw new BadTenantRequestError('The path of the request is malformed or ambiguous.');
  }
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
