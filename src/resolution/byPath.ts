import { BadTenantRequestError, TenancyConfigurationError } from '../errors.ts';
import { isTenantId } from '../tenant/tenantId.ts';
import { assertPlainPath } from './assertPlainPath.ts';
import type { TenantReference, TenantRequest, TenantResolver } from './TenantRequest.ts';

/** Options of {@link byPath}. */
export interface ByPathOptions {
  /** What stands before the tenant's id: with `/t`, tenant `acme` is at `/t/acme`. @default '' */
  readonly prefix?: string | undefined;
}

const PREFIX = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$/;

/**
 * Takes the path segment after `prefix` for the tenant's id; what follows is the path that the application sees.
 * Under the prefix, a segment that is no tenant id and a path that two programs could read differently are refused.
 */
export function byPath(options: ByPathOptions = {}): TenantResolver {
  const prefix = options.prefix ?? '';
  if (!PREFIX.test(prefix)) {
    throw new TenancyConfigurationError(
      `byPath: the prefix ${JSON.stringify(prefix)} must be empty, or begin with "/" and not end with it, as "/t" does.`,
    );
  }
  const resolve = ({ path }: TenantRequest): TenantReference | undefined => {
    if (path === '') {
      throw new BadTenantRequestError('The path of the request cannot be read.');
    }
    const below = path.startsWith(`${prefix}/`) ? path.slice(prefix.length + 1) : '';
    if (below === '') {
      return undefined;
    }
    assertPlainPath(path);
    const slash = below.indexOf('/');
    const id = slash === -1 ? below : below.slice(0, slash);
    if (!isTenantId(id)) {
      throw new BadTenantRequestError('The path has no tenant id where one belongs.');
    }
    return { by: 'id', id, path: slash === -1 ? '/' : below.slice(slash) };
  };
  return Object.assign(resolve, { source: 'path' });
}
