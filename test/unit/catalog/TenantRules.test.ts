import { describe, expect, it } from '@jest/globals';
import { TenancyConfigurationError } from 'mikro-orm-multitenancy';
import { RESERVED_IDS, TenantRules } from '../../../src/catalog/TenantRules.ts';
import { isTenantId } from '../../../src/tenant/tenantId.ts';

describe('the rules of a new tenant', () => {
  const rules = new TenantRules({ ownDomains: ['Example.com'] });

  it.each(['acme', 'acme-2', '0', 'a_b', 'wwww', 'apis'])('take the id %s', (id) => {
    expect(() => rules.assertNewId(id)).not.toThrow();
  });

  it.each(['www', 'api', 'admin', 'mail', 'autodiscover', 'xn--80ak6aa92e', 'Acme', '', 'a.b'])(
    'refuse the id %j',
    (id) => {
      expect(() => rules.assertNewId(id)).toThrow(TenancyConfigurationError);
    },
  );

  it('reserve nothing that could not be an id, and what the application says instead', () => {
    expect(RESERVED_IDS.filter((id) => !isTenantId(id))).toEqual([]);
    const own = new TenantRules({ reservedIds: ['acme'] });
    expect(() => own.assertNewId('acme')).toThrow(/"acme" is reserved/);
    expect(() => own.assertNewId('www')).not.toThrow();
  });

  it.each([
    ['acme.com', 'acme.com'],
    ['ACME.Com.', 'acme.com'],
    [' acme.co.uk ', 'acme.co.uk'],
    ['bücher.de', 'xn--bcher-kva.de'],
    ['BÜCHER.de', 'xn--bcher-kva.de'],
    ['例え。jp', 'xn--r8jz45g.jp'],
    ['shop.acme.test', 'shop.acme.test'],
    ['acme.github.io', 'acme.github.io'],
    ['www.com', 'www.com'],
    ['notexample.com', 'notexample.com'],
  ])('keep the domain %s as %s', (given, kept) => {
    expect(rules.checkedDomain(given)).toBe(kept);
  });

  it.each([
    ['com', /suffix/],
    ['co.uk', /suffix/],
    ['github.io', /suffix/],
    ['localhost', /suffix/],
    ['公司.cn', /suffix/],
    ['127.0.0.1', /address/],
    ['127.1', /address/],
    ['www.acme.com', /"www\."/],
    ['example.com', /application's own/],
    ['shop.example.com', /application's own/],
    ['', /no domain/],
    ['.', /no domain/],
    ['acme..com', /no domain/],
    ['acme_shop.com', /no domain/],
    ['-acme.com', /no domain/],
    ['acme.com:8080', /no domain/],
    ['acme.com/path', /no domain/],
    ['user@acme.com', /no domain/],
    ['*.acme.com', /no domain/],
    [`${'a'.repeat(64)}.com`, /no domain/],
    [`${'a.'.repeat(126)}com`, /no domain/],
    ['acme\u0000.com', /no domain/],
    ['xn--a.com', /no domain/],
  ])('refuse the domain %j', (given, message) => {
    expect(() => rules.checkedDomain(given)).toThrow(TenancyConfigurationError);
    expect(() => rules.checkedDomain(given)).toThrow(message);
  });
});
