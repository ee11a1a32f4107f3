import { describe, expect, it } from '@jest/globals';
import { BadTenantRequestError, TenancyConfigurationError } from '../../../src/errors.ts';
import { type ByQueryOptions, byQuery } from '../../../src/resolution/byQuery.ts';
import { tenantRequest } from '../../support/resolution/tenantRequest.ts';

describe('byQuery', () => {
  const resolve = byQuery('tenant', { trusted: true });

  it.each(['tenant=acme', 'a=1&tenant=acme&b=2', '&tenant=acme&', 'tenant=%61cme', '%74enant=acme'])(
    'names the tenant of %s',
    async (query) => {
      expect(await resolve(tenantRequest({ query }))).toEqual({ by: 'id', id: 'acme' });
    },
  );

  it.each(['', 'a=1', 'TENANT=acme', 'tenant[]=acme', 'a=tenant=acme', 'a=1;tenant=acme', '?tenant=acme'])(
    'names no tenant with %j',
    async (query) => {
      expect(await resolve(tenantRequest({ query }))).toBeUndefined();
    },
  );

  it.each([
    'tenant',
    'tenant=',
    'tenant=ACME',
    'tenant=acme&tenant=globex',
    'tenant=acme&tenant=acme',
    'tenant=acme&%74enant=globex',
    'tenant=acme%00',
    'tenant=ac+me',
    'tenant=%zz',
    'tenant=acme#x',
  ])('refuses %j with 400', async (query) => {
    await expect(resolve(tenantRequest({ query }))).rejects.toThrow(BadTenantRequestError);
  });

  it('ignores the query, even a malformed one, of a request that is not trusted', async () => {
    const request = { query: 'tenant=acme&tenant=globex' };
    expect(await byQuery('tenant', { trusted: () => false })(tenantRequest(request))).toBeUndefined();
    expect(await byQuery('tenant', { trusted: 'proxy' })(tenantRequest(request))).toBeUndefined();
  });

  it('takes it from a trusted proxy', async () => {
    const request = tenantRequest({ query: 'tenant=acme', isFromTrustedProxy: true });
    expect(await byQuery('tenant', { trusted: 'proxy' })(request)).toMatchObject({ id: 'acme' });
  });

  it.each([[undefined], [{}], [{ trusted: false }], [{ trusted: 'yes' }]])('refuses the options %j', (options) => {
    expect(() => byQuery('tenant', options as unknown as ByQueryOptions)).toThrow(
      /^byQuery\("tenant"\): `trusted` is required/,
    );
  });

  it('says what its source is', () => {
    expect(resolve.source).toBe('query tenant');
  });

  it.each(['', undefined])('refuses %j for a name', (name) => {
    expect(() => byQuery(name as string, { trusted: true })).toThrow(TenancyConfigurationError);
  });
});
