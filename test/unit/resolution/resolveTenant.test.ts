import { describe, expect, it } from '@jest/globals';
import { StaticCatalog } from '../../../src/catalog/StaticCatalog.ts';
import {
  BadTenantRequestError,
  TenancyConfigurationError,
  TenantAmbiguousError,
  TenantForbiddenError,
  TenantNotFoundError,
} from '../../../src/errors.ts';
import { byDomain } from '../../../src/resolution/byDomain.ts';
import { byHeader } from '../../../src/resolution/byHeader.ts';
import { byPath } from '../../../src/resolution/byPath.ts';
import { bySubdomain } from '../../../src/resolution/bySubdomain.ts';
import { resolveTenant, type Sources } from '../../../src/resolution/resolveTenant.ts';
import type { TenantReference, TenantResolver } from '../../../src/resolution/TenantRequest.ts';
import { TENANT_STATUSES, type Tenant } from '../../../src/tenant/Tenant.ts';
import { tenantRequest } from '../../support/resolution/tenantRequest.ts';

const catalog = new StaticCatalog([
  { id: 'acme', database: 'acme', domains: ['acme.com'] },
  { id: 'globex', database: 'globex', domains: ['globex.com'] },
  ...TENANT_STATUSES.map((status) => ({ id: `is-${status}`, database: `is_${status}`, status })),
]);

const sources = [
  bySubdomain('example.com'),
  byHeader('X-Tenant', { trusted: true }),
  byPath({ prefix: '/t' }),
  byDomain(),
];

async function idOf(
  parts: Parameters<typeof tenantRequest>[0],
  resolvers: readonly TenantResolver[] = sources,
  mode?: Sources,
) {
  const resolved = await resolveTenant(tenantRequest(parts), resolvers, catalog, mode);
  return resolved?.tenant.id;
}

const names =
  (reference: unknown): TenantResolver =>
  () =>
    reference as TenantReference;

describe('resolveTenant', () => {
  it('takes each source that names a tenant', async () => {
    expect(await idOf({ host: 'acme.example.com' })).toBe('acme');
    expect(await idOf({ host: 'www.acme.com' })).toBe('acme');
    expect(await idOf({ host: 'localhost', headers: { 'x-tenant': ['acme'] } })).toBe('acme');
    expect(await idOf({ host: '127.0.0.1', path: '/t/acme' })).toBe('acme');
  });

  it('takes a function of the application, which may be asynchronous', async () => {
    expect(await idOf({}, [async () => undefined, async () => ({ by: 'id', id: 'globex' })])).toBe('globex');
  });

  it('gives the path below the prefix, whichever source came first', async () => {
    const request = tenantRequest({ host: 'acme.example.com', path: '/t/acme/houses' });
    expect(await resolveTenant(request, sources, catalog)).toMatchObject({ tenant: { id: 'acme' }, path: '/houses' });
    const third = tenantRequest({ host: 'acme.com', headers: { 'x-tenant': ['acme'] }, path: '/t/acme/houses' });
    expect(await resolveTenant(third, [byDomain(), ...sources.slice(1)], catalog)).toMatchObject({ path: '/houses' });
    const other = tenantRequest({ host: 'acme.example.com', path: '/houses' });
    expect(await resolveTenant(other, sources, catalog)).toMatchObject({ path: undefined });
  });

  it('gives the domain where that named the tenant first', async () => {
    const request = tenantRequest({ host: 'www.acme.com', path: '/t/acme' });
    expect(await resolveTenant(request, [byDomain(), byPath({ prefix: '/t' })], catalog)).toMatchObject({
      domain: 'acme.com',
    });
    expect(await resolveTenant(request, sources, catalog)).toMatchObject({ domain: undefined });
  });

  it('gives nothing for a request that names no tenant', async () => {
    expect(await idOf({ host: '127.0.0.1' })).toBeUndefined();
    expect(await idOf({}, [])).toBeUndefined();
    expect(await idOf({}, [names(null)])).toBeUndefined();
  });

  it('refuses an unknown id or domain', async () => {
    await expect(idOf({ host: 'nobody.example.com' })).rejects.toThrow(TenantNotFoundError);
    await expect(idOf({ host: 'nobody.example.com' })).rejects.toMatchObject({ tenantId: 'nobody' });
    await expect(idOf({ host: 'nobody.com' })).rejects.toThrow(TenantNotFoundError);
    await expect(idOf({ host: 'nobody.com' })).rejects.toMatchObject({ tenantId: undefined });
  });

  it('never goes on to the next source after a name that no tenant has', async () => {
    const resolvers = [names({ by: 'id', id: 'nobody' }), names({ by: 'id', id: 'acme' })];
    await expect(idOf({}, resolvers)).rejects.toThrow(TenantNotFoundError);
    const request = { host: 'nobody.example.com', headers: { 'x-tenant': ['acme'] }, path: '/t/acme' };
    await expect(idOf(request)).rejects.toThrow(TenantNotFoundError);
  });

  it.each<[string, Parameters<typeof tenantRequest>[0]]>([
    ['subdomain and header', { host: 'acme.example.com', headers: { 'x-tenant': ['globex'] } }],
    ['subdomain and path', { host: 'acme.example.com', path: '/t/globex/houses' }],
    ['header and path', { host: '127.0.0.1', headers: { 'x-tenant': ['globex'] }, path: '/t/acme' }],
    ['header and domain', { host: 'acme.com', headers: { 'x-tenant': ['globex'] } }],
    ['an existing tenant and one that does not exist', { host: 'acme.example.com', path: '/t/nobody' }],
  ])('refuses %s that disagree, and looks like a missing tenant', async (_, parts) => {
    await expect(idOf(parts)).rejects.toThrow(TenantAmbiguousError);
    await expect(idOf(parts)).rejects.toMatchObject({ status: 404, expose: false });
  });

  it('takes sources that agree', async () => {
    const headers = { 'x-tenant': ['acme'] };
    expect(await idOf({ host: 'acme.example.com', headers, path: '/t/acme' })).toBe('acme');
    expect(await idOf({ host: 'acme.com', headers })).toBe('acme');
  });

  it('counts only the first name of one source, and looks up no other', async () => {
    const looking = { ...catalogOf(), findByDomain: async () => catalog.find('globex') };
    const request = tenantRequest({ host: 'acme.example.com' });
    expect(await resolveTenant(request, sources, looking)).toMatchObject({ tenant: { id: 'acme' } });
  });

  it('takes a header under a domain of no tenant, as that of an internal gateway', async () => {
    expect(await idOf({ host: 'gateway.internal', headers: { 'x-tenant': ['acme'] } })).toBe('acme');
  });

  it('asks a malformed source even after another has named the tenant', async () => {
    const request = { host: 'acme.example.com', headers: { 'x-tenant': ['acme', 'globex'] } };
    await expect(idOf(request)).rejects.toThrow(BadTenantRequestError);
  });

  it('says which sources named which tenants', async () => {
    const parts = { host: 'acme.example.com', headers: { 'x-tenant': ['globex'] } };
    await expect(idOf(parts)).rejects.toMatchObject({
      tenantId: 'acme',
      otherTenantId: 'globex',
      sources: ['host', 'header x-tenant'],
    });
    await expect(idOf(parts, [names({ by: 'id', id: 'acme' }), ...sources.slice(1)])).rejects.toMatchObject({
      sources: ['a function of the application', 'header x-tenant'],
    });
  });

  it("asks no source after the first that names a tenant, with 'first'", async () => {
    const parts = { host: 'acme.example.com', headers: { 'x-tenant': ['globex', 'malformed too'] } };
    expect(await idOf(parts, sources, 'first')).toBe('acme');
    expect(await idOf({ host: '127.0.0.1', headers: { 'x-tenant': ['globex'] } }, sources, 'first')).toBe('globex');
  });

  it("never goes on after a name that no tenant has, with 'first' either", async () => {
    const parts = { host: 'nobody.example.com', headers: { 'x-tenant': ['acme'] } };
    await expect(idOf(parts, sources, 'first')).rejects.toThrow(TenantNotFoundError);
  });

  it.each(TENANT_STATUSES)('gives a tenant that is %s, so that authorization comes first', async (status) => {
    expect(await idOf({ host: `is-${status}.example.com` })).toBe(`is-${status}`);
  });

  it('asks every source for the proof that it has, with the tenant that was found', async () => {
    const asked: string[] = [];
    const proof = (answer: unknown) =>
      names({
        by: 'id',
        id: 'acme',
        isProvenFor: async (tenant: Tenant) => {
          asked.push(tenant.id);
          return answer;
        },
      });
    expect(await idOf({ host: 'acme.example.com' }, [...sources, proof(true)])).toBe('acme');
    expect(asked).toEqual(['acme']);
    for (const answer of [false, undefined, 'true', 1]) {
      await expect(idOf({}, [proof(answer)])).rejects.toThrow(TenantForbiddenError);
      await expect(idOf({ host: 'acme.example.com' }, [...sources, proof(answer)])).rejects.toThrow(/another issuer/);
    }
  });

  it('looks a tenant up once, whatever becomes of the request afterwards', async () => {
    const asked: string[] = [];
    const counting = {
      ...catalogOf(),
      find: (id: string) => {
        asked.push(id);
        return catalog.find(id);
      },
    };
    for (const id of ['acme', 'is-suspended', 'is-archived', 'nobody']) {
      await resolveTenant(tenantRequest({ host: `${id}.example.com` }), sources, counting).catch(() => undefined);
    }
    expect(asked).toEqual(['acme', 'is-suspended', 'is-archived', 'nobody']);
  });

  it.each([
    { by: 'id', id: 'ACME' },
    { by: 'id', id: '' },
    { by: 'id', id: 7 },
    { by: 'id' },
    { by: 'domain', domain: 'ACME.com' },
    { by: 'domain', domain: 'acme.com:80' },
    { by: 'domain', domain: undefined },
  ])('refuses the malformed name %j of a function', async (reference) => {
    await expect(idOf({}, [names(reference)])).rejects.toThrow(BadTenantRequestError);
  });

  it.each(['acme', { id: 'acme' }, { by: 'name', name: 'acme' }, 0, true])(
    'tells the developer that %j is no answer of a function',
    async (reference) => {
      await expect(idOf({}, [names(reference)])).rejects.toThrow(TenancyConfigurationError);
    },
  );

  it('does not take a catalogue that answers with another tenant', async () => {
    const wrong = { ...catalogOf(), find: async () => catalog.find('globex') };
    const request = tenantRequest({ host: 'acme.example.com' });
    await expect(resolveTenant(request, sources, wrong)).rejects.toThrow(
      /answered find\("acme"\) with tenant "globex"/,
    );
    await expect(resolveTenant(request, sources, wrong)).rejects.toMatchObject({ tenantId: 'acme' });
  });

  it('lets an error of the catalogue pass', async () => {
    const failing = { ...catalogOf(), find: () => Promise.reject(new Error('down')) };
    await expect(resolveTenant(tenantRequest({ host: 'acme.example.com' }), sources, failing)).rejects.toThrow('down');
  });
});

function catalogOf() {
  return {
    find: (id: string) => catalog.find(id),
    findByDomain: (domain: string) => catalog.findByDomain(domain),
    list: () => catalog.list(),
  };
}
