import { describe, expect, it } from '@jest/globals';
import { BadTenantRequestError, TenancyConfigurationError } from '../../../src/errors.ts';
import { type ByHeaderOptions, byHeader } from '../../../src/resolution/byHeader.ts';
import { tenantRequest } from '../../support/resolution/tenantRequest.ts';

const withTenant = (...values: readonly string[]) => tenantRequest({ headers: { 'x-tenant': values } });

describe('byHeader', () => {
  const resolve = byHeader('X-Tenant', { trusted: true });

  it('names the tenant of the header', async () => {
    expect(await resolve(withTenant('acme'))).toEqual({ by: 'id', id: 'acme' });
  });

  it('names no tenant without the header', async () => {
    expect(await resolve(tenantRequest({}))).toBeUndefined();
  });

  it.each([
    ['two lines', ['acme', 'globex']],
    ['the same value twice', ['acme', 'acme']],
    ['a comma list', ['acme, globex']],
    ['an empty value', ['']],
    ['upper case', ['ACME']],
    ['a path', ['../acme']],
    ['64 characters', ['a'.repeat(64)]],
  ])('refuses %s', async (_, values) => {
    await expect(resolve(withTenant(...values))).rejects.toThrow(BadTenantRequestError);
  });

  it('asks for each request whether it is trusted', async () => {
    const ifInternal = byHeader('X-Tenant', { trusted: async ({ header }) => header('x-internal').length === 1 });
    expect(await ifInternal(withTenant('acme'))).toBeUndefined();
    const internal = tenantRequest({ headers: { 'x-tenant': ['acme'], 'x-internal': ['1'] } });
    expect(await ifInternal(internal)).toMatchObject({ id: 'acme' });
  });

  it('ignores the header, even a malformed one, of a request that is not trusted', async () => {
    const never = byHeader('X-Tenant', { trusted: () => false });
    expect(await never(withTenant('acme', 'globex'))).toBeUndefined();
  });

  it('takes nothing but true for trust', async () => {
    const careless = byHeader('X-Tenant', { trusted: () => 'yes' as unknown as boolean });
    expect(await careless(withTenant('acme'))).toBeUndefined();
  });

  it('says what its source is, and that responses vary by the header', () => {
    expect(resolve.source).toBe('header x-tenant');
    expect(resolve.vary).toEqual(['X-Tenant']);
  });

  it.each([[undefined], [{}], [{ trusted: false }], [{ trusted: 'true' }]])('refuses the options %j', (options) => {
    expect(() => byHeader('X-Tenant', options as unknown as ByHeaderOptions)).toThrow(TenancyConfigurationError);
    expect(() => byHeader('X-Tenant', options as unknown as ByHeaderOptions)).toThrow(
      /^byHeader\("X-Tenant"\): `trusted` is required/,
    );
  });

  it.each(['', 'X Tenant', 'X-Tenant:'])('refuses %j, which is no name of a header', (name) => {
    expect(() => byHeader(name, { trusted: true })).toThrow(TenancyConfigurationError);
    expect(() => byHeader(name, { trusted: true })).toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ code: 'ERR_INVALID_HTTP_TOKEN' }) }),
    );
  });
});
