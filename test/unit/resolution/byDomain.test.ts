import { describe, expect, it } from '@jest/globals';
import { BadTenantRequestError, TenancyConfigurationError } from '../../../src/errors.ts';
import { byDomain } from '../../../src/resolution/byDomain.ts';
import { tenantRequest } from '../../support/resolution/tenantRequest.ts';

describe('byDomain', () => {
  it.each([
    ['acme.com', 'acme.com'],
    ['WWW.ACME.com.:443', 'acme.com'],
    ['www.acme.co.uk', 'acme.co.uk'],
    ['www.www.acme.com', 'www.acme.com'],
    ['www.com', 'www.com'],
    ['wwwacme.com', 'wwwacme.com'],
    ['shop.acme.com', 'shop.acme.com'],
    ['shop.www.acme.com', 'shop.www.acme.com'],
    ['localhost:3000', 'localhost'],
  ])('takes %s for the domain %s', (host, domain) => {
    expect(byDomain()(tenantRequest({ host }))).toEqual({ by: 'domain', domain });
  });

  it.each(['127.0.0.1', '[::1]:80'])('names no tenant for %s', (host) => {
    expect(byDomain()(tenantRequest({ host }))).toBeUndefined();
  });

  it.each(['example.com', 'www.example.com', 'WWW.Example.com:80', 'example.org', 'www.example.org'])(
    "names no tenant for %s, which is the application's own",
    (host) => {
      const resolve = byDomain({ ignore: ['example.com', 'www.example.org'] });
      expect(resolve(tenantRequest({ host }))).toBeUndefined();
      expect(resolve(tenantRequest({ host: `shop.${host}` }))).toBeDefined();
    },
  );

  it.each(['Example.com', 'example.com:80', 'https://example.com', ''])('refuses to ignore %j', (domain) => {
    expect(() => byDomain({ ignore: [domain] })).toThrow(TenancyConfigurationError);
  });

  it.each([[[]], [['acme.com', 'acme.com']], [['acme.com:']], [['']]])('refuses the Host values %j', (host) => {
    expect(() => byDomain()(tenantRequest({ host }))).toThrow(BadTenantRequestError);
  });
});
