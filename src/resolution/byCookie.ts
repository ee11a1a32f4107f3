import { BadTenantRequestError, TenancyConfigurationError } from '../errors.ts';
import { isTenantId } from '../tenant/tenantId.ts';
import { cookieValues } from './cookieValues.ts';
import type { TenantReference, TenantRequest, TenantResolver } from './TenantRequest.ts';
import { assertTrusted, isTrusted, type Trusted } from './trust.ts';

/** Options of {@link byCookie}. */
export interface ByCookieOptions<R extends TenantRequest = TenantRequest> {
  /**
   * Whose word the cookie is: a browser's user can set any, and so can a page of a sibling domain. With Koa's signed
   * cookies: `({ ctx }) => ctx.cookies.get('tenant', { signed: true }) !== undefined`. Where it is not trusted, it is
   * ignored.
   */
  readonly trusted: Trusted<R>;
}

/** RFC 6265's token. */
const COOKIE_NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/** Takes the value of a cookie for the tenant's id. Two cookies of one name, and what is no tenant id, are refused. */
export function byCookie<R extends TenantRequest = TenantRequest>(
  name: string,
  options: ByCookieOptions<R>,
): TenantResolver<R> {
  if (typeof name !== 'string' || !COOKIE_NAME.test(name)) {
    throw new TenancyConfigurationError(`byCookie: ${JSON.stringify(name)} is no name of a cookie.`);
  }
  assertTrusted(`byCookie("${name}")`, (options as ByCookieOptions<R> | undefined)?.trusted);
  const resolve = async (request: R): Promise<TenantReference | undefined> => {
    const values = cookieValues(request.header('cookie'), name);
    if (values.length === 0 || !(await isTrusted(options.trusted, request))) {
      return undefined;
    }
    const [id] = values;
    if (values.length > 1 || !isTenantId(id)) {
      throw new BadTenantRequestError('The cookie must be one tenant id where it names a tenant.');
    }
    return { by: 'id', id };
  };
  return Object.assign(resolve, { source: `cookie ${name}`, vary: ['Cookie'] });
}
