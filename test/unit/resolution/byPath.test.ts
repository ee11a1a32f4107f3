import { describe, expect, it } from '@jest/globals';
import { BadTenantRequestError, TenancyConfigurationError } from '../../../src/errors.ts';
import { byPath } from '../../../src/resolution/byPath.ts';
import type { TenantReference } from '../../../src/resolution/TenantRequest.ts';
import { tenantRequest } from '../../support/resolution/tenantRequest.ts';

const named = (id: string, path: string): TenantReference => ({ by: 'id', id, path });

describe('byPath', () => {
  it.each([
    ['/acme', 'acme', '/'],
    ['/acme/', 'acme', '/'],
    ['/acme/houses', 'acme', '/houses'],
    ['/acme/houses/', 'acme', '/houses/'],
    ['/a-b_c/globex', 'a-b_c', '/globex'],
    ['/acme/caf%C3%A9/a%2Fb', 'acme', '/caf%C3%A9/a%2Fb'],
    ['/acme/.well-known/x', 'acme', '/.well-known/x'],
    ['/acme/...', 'acme', '/...'],
  ])('takes the first segment of %s for the id %s', (path, id, rest) => {
    expect(byPath()(tenantRequest({ path }))).toEqual(named(id, rest));
  });

  it.each([
    ['/t/acme', '/'],
    ['/t/acme/houses', '/houses'],
    ['/t/acme/t/globex', '/t/globex'],
  ])('takes the segment after the prefix in %s', (path, rest) => {
    expect(byPath({ prefix: '/t' })(tenantRequest({ path }))).toEqual(named('acme', rest));
  });

  it('says what its source is', () => {
    expect(byPath().source).toBe('path');
  });

  it('refuses a path that could not be read', () => {
    expect(() => byPath()(tenantRequest({ path: '' }))).toThrow(BadTenantRequestError);
  });

  it.each(['/', '*', '/t', '/t/', '/tt/acme', '/T/acme', '/x/t/acme', '/%74/acme', '//t/acme', '/acme'])(
    'names no tenant for %j outside its prefix',
    (path) => {
      expect(byPath({ prefix: '/t' })(tenantRequest({ path }))).toBeUndefined();
    },
  );

  it.each(['/', '*'])('names no tenant for %j without a prefix', (path) => {
    expect(byPath()(tenantRequest({ path }))).toBeUndefined();
  });

  it.each([
    ['an id in upper case', '/t/ACME/houses'],
    ['an id that is none', '/t/favicon.ico'],
    ['an encoded id', '/t/%61cme'],
    ['an encoded slash after the id', '/t/acme%2Fhouses'],
    ['an encoded slash after the id in lower case', '/t/acme%2fhouses'],
    ['an empty segment before the id', '/t//acme'],
    ['an empty segment after the id', '/t/acme//evil.com'],
    ['an empty segment at the end', '/t/acme/houses//'],
    ['dot segments', '/t/acme/../globex/houses'],
    ['a dot segment', '/t/./acme'],
    ['a dot segment after the id', '/t/acme/./houses'],
    ['a dot segment at the end', '/t/acme/.'],
    ['dot segments at the end', '/t/acme/..'],
    ['encoded dot segments', '/t/acme/%2e%2e/globex'],
    ['half-encoded dot segments', '/t/acme/.%2E/globex'],
    ['dot segments behind encoded slashes', '/t/acme/x%2F..%2F..%2Fglobex'],
    ['dot segments behind encoded backslashes', '/t/acme/x%5C..%5C..%5Cglobex'],
    ['a backslash', '/t/acme\\houses'],
    ['a NUL', '/t/acme/%00'],
    ['a line break', '/t/acme/%0d%0aSet-Cookie:x'],
    ['half an encoding', '/t/acme/%'],
    ['a wrong encoding', '/t/acme/%zz'],
    ['an encoding that is not UTF-8', '/t/acme/%ff'],
    ['an overlong encoding of a dot', '/t/acme/%c0%ae%c0%ae/globex'],
    ['64 characters', `/t/${'a'.repeat(64)}`],
  ])('refuses %s under the prefix', (_, path) => {
    expect(() => byPath({ prefix: '/t' })(tenantRequest({ path }))).toThrow(BadTenantRequestError);
  });

  it.each(['t', '/t/', '/', '/a//b', '/../t', '/.', '/t?x', '/%74', '/t/*'])('refuses the prefix %j', (prefix) => {
    expect(() => byPath({ prefix })).toThrow(TenancyConfigurationError);
  });
});
