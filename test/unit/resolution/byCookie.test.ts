import { describe, expect, it } from '@jest/globals';
import { BadTenantRequestError, TenancyConfigurationError } from '../../../src/errors.ts';
import { type ByCookieOptions, byCookie } from '../../../src/resolution/byCookie.ts';
import { tenantRequest } from '../../support/resolution/tenantRequest.ts';

const withCookies = (...cookie: readonly string[]) => tenantRequest({ headers: { cookie } });

describe('byCookie', () => {
  const resolve = byCookie('tenant', { trusted: true });

  it.each(['tenant=acme', 'a=1; tenant=acme; b=2', 'a=1;tenant=acme', ' \ttenant \t=\t acme '])(
    'names the tenant of %j',
    async (cookie) => {
      expect(await resolve(withCookies(cookie))).toEqual({ by: 'id', id: 'acme' });
    },
  );

  it('takes the lines of HTTP/2, one cookie each', async () => {
    expect(await resolve(withCookies('a=1', 'tenant=acme'))).toMatchObject({ id: 'acme' });
  });

  it.each([
    '',
    'a=1',
    'Tenant=acme',
    'tenants=acme',
    'a=tenant=acme',
    'tenant',
    'tenants',
    'ten ant=acme',
    '=tenant=acme',
    '\u00a0tenant=acme',
  ])('names no tenant with %j', async (cookie) => {
    expect(await resolve(withCookies(cookie))).toBeUndefined();
  });

  it.each<[string, readonly string[]]>([
    ['a second cookie of a sibling domain', ['tenant=acme; tenant=globex']],
    ['the same cookie twice', ['tenant=acme; tenant=acme']],
    ['a second line', ['tenant=acme', 'tenant=globex']],
    ['an empty value', ['tenant=']],
    ['quotes', ['tenant="acme"']],
    ['a comma list', ['tenant=acme,globex']],
    ['percent-encoding', ['tenant=%61cme']],
    ['upper case', ['tenant=ACME']],
    ['a space', ['tenant=ac me']],
  ])('refuses %s with 400', async (_case, lines) => {
    await expect(resolve(withCookies(...lines))).rejects.toThrow(BadTenantRequestError);
  });

  it('ignores the cookie, even a malformed one, of a request that is not trusted', async () => {
    const never = byCookie('tenant', { trusted: () => false });
    expect(await never(withCookies('tenant=acme; tenant=globex'))).toBeUndefined();
  });

  it('says what its source is, and that responses vary by it', () => {
    expect(resolve.source).toBe('cookie tenant');
    expect(resolve.vary).toEqual(['Cookie']);
  });

  it.each([[undefined], [{}], [{ trusted: 'true' }]])('refuses the options %j', (options) => {
    expect(() => byCookie('tenant', options as unknown as ByCookieOptions)).toThrow(
      /^byCookie\("tenant"\): `trusted` is required/,
    );
  });

  it.each([undefined, '', 'a b', 'a=b', 'a;b', 'é'])('refuses %j, which is no name of a cookie', (name) => {
    expect(() => byCookie(name as string, { trusted: true })).toThrow(TenancyConfigurationError);
  });
});
