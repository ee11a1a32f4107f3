import { describe, expect, it } from '@jest/globals';
import { BadTenantRequestError, TenancyConfigurationError } from '../../../src/errors.ts';
import { bySubdomain } from '../../../src/resolution/bySubdomain.ts';
import { tenantRequest } from '../../support/resolution/tenantRequest.ts';

describe('bySubdomain', () => {
  const resolve = bySubdomain('example.com');

  it.each(['acme.example.com', 'ACME.example.com', 'acme.example.com.', 'acme.example.com:8080'])(
    'names acme for %s',
    (host) => {
      expect(resolve(tenantRequest({ host }))).toEqual({ by: 'id', id: 'acme' });
    },
  );

  it.each([
    'example.com',
    'www.example.com',
    'a.acme.example.com',
    'www.acme.example.com',
    'acme.com',
    'acmeexample.com',
    'notexample.com',
    'acme.example.com.evil.org',
    'com',
    '127.0.0.1',
    '[::1]:3000',
  ])('names no tenant for %s', (host) => {
    expect(resolve(tenantRequest({ host }))).toBeUndefined();
  });

  it.each(['acme@example.com', 'acme.example.com,x.example.com', 'a_b.example.com', 'acme.example.com:99999'])(
    'refuses %s',
    (host) => {
      expect(() => resolve(tenantRequest({ host }))).toThrow(BadTenantRequestError);
    },
  );

  it('refuses a second Host line', () => {
    expect(() => resolve(tenantRequest({ host: ['acme.example.com', 'globex.example.com'] }))).toThrow(
      BadTenantRequestError,
    );
  });

  it('ignores the labels that it is told to ignore, in place of www', () => {
    const custom = bySubdomain('example.com', { ignore: ['admin'] });
    expect(custom(tenantRequest({ host: 'admin.example.com' }))).toBeUndefined();
    expect(custom(tenantRequest({ host: 'www.example.com' }))).toMatchObject({ id: 'www' });
  });

  it('says what its source is', () => {
    expect(resolve.source).toBe('host');
  });

  it('works under localhost', () => {
    expect(bySubdomain('localhost')(tenantRequest({ host: 'acme.localhost:3000' }))).toMatchObject({ id: 'acme' });
  });

  it.each([
    ['a port', 'localhost:3000', /Leave it out/],
    ['something else after a colon', 'localhost:x', /no domain name/],
    ['an IP address', '127.0.0.1', /no subdomains/],
    ['upper case', 'Example.com', /no domain name/],
    ['a trailing dot', 'example.com.', /no domain name/],
    ['a leading dot', '.example.com', /no domain name/],
    ['nothing', '', /no domain name/],
  ])('refuses a base domain with %s', (_, base, message) => {
    expect(() => bySubdomain(base)).toThrow(TenancyConfigurationError);
    expect(() => bySubdomain(base)).toThrow(message);
  });
});
