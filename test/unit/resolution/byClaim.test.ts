import { beforeAll, describe, expect, it } from '@jest/globals';
import { type CryptoKey, generateKeyPair, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { StaticCatalog } from '../../../src/catalog/StaticCatalog.ts';
import {
  BadTenantRequestError,
  TenancyConfigurationError,
  TenantAmbiguousError,
  TenantForbiddenError,
  TenantNotFoundError,
} from '../../../src/errors.ts';
import { type ByClaimOptions, byClaim, type Claims } from '../../../src/resolution/byClaim.ts';
import { bySubdomain } from '../../../src/resolution/bySubdomain.ts';
import { resolveTenant } from '../../../src/resolution/resolveTenant.ts';
import type { TenantRequest, TenantResolver } from '../../../src/resolution/TenantRequest.ts';
import type { Tenant } from '../../../src/tenant/Tenant.ts';
import { tenantRequest } from '../../support/resolution/tenantRequest.ts';

interface Customer extends Tenant {
  readonly issuer?: string;
}

const catalog = new StaticCatalog<Customer>([
  { id: 'acme', database: 'acme', issuer: 'https://login.acme.com' },
  { id: 'globex', database: 'globex', issuer: 'https://login.globex.com' },
  { id: 'initech', database: 'initech' },
]);

/** Each tenant's own login has a key of its own. */
const keys = new Map<string, { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey }>();
beforeAll(async () => {
  for (const issuer of ['https://login.acme.com', 'https://login.globex.com']) {
    keys.set(issuer, await generateKeyPair('ES256'));
  }
});

/** A token as `signer` makes it; it may say anything. */
async function token(signer: string, claims: JWTPayload, expiresIn = '1h'): Promise<string> {
  const { privateKey } = keys.get(signer) ?? {};
  return new SignJWT({ iss: signer, aud: 'houses', ...claims })
    .setProtectedHeader({ alg: 'ES256' })
    .setExpirationTime(expiresIn)
    .sign(privateKey as CryptoKey);
}

const verified: string[] = [];
const bySignedClaim = byClaim<TenantRequest, Customer>({
  issuer: (tenant) => tenant.issuer,
  verify: async (jwt, { issuer }) => {
    verified.push(issuer);
    const { payload } = await jwtVerify(jwt, keys.get(issuer)?.publicKey as CryptoKey, { issuer, audience: 'houses' });
    return payload;
  },
});

const bearing = (jwt: string) => ({ headers: { authorization: [`Bearer ${jwt}`] } });

async function idOf(
  parts: Parameters<typeof tenantRequest>[0],
  resolvers: readonly TenantResolver[] = [bySignedClaim],
) {
  return (await resolveTenant(tenantRequest(parts), resolvers, catalog))?.tenant.id;
}

const ACME = 'https://login.acme.com';
const GLOBEX = 'https://login.globex.com';

describe('byClaim with `verify`', () => {
  it('names the tenant of a token that its issuer has signed', async () => {
    expect(await idOf(bearing(await token(ACME, { tenant: 'acme' })))).toBe('acme');
    expect(await idOf({ headers: { authorization: [`bearer  ${await token(GLOBEX, { tenant: 'globex' })}`] } })).toBe(
      'globex',
    );
  });

  it("refuses a token that another tenant's issuer has signed, whatever it says", async () => {
    for (const claims of [{ tenant: 'acme' }, { tenant: 'acme', iss: ACME }, { tenant: 'acme', iss: [ACME, GLOBEX] }]) {
      await expect(idOf(bearing(await token(GLOBEX, claims as JWTPayload)))).rejects.toThrow(TenantForbiddenError);
    }
  });

  it('asks `verify` with the issuer of the tenant that the token names, and with no other', async () => {
    verified.length = 0;
    await idOf(bearing(await token(GLOBEX, { tenant: 'acme' }))).catch(() => undefined);
    expect(verified).toEqual([ACME]);
  });

  it('keeps why a token was refused for the application', async () => {
    const expired = idOf(bearing(await token(ACME, { tenant: 'acme' }, '-1h')));
    await expect(expired).rejects.toMatchObject({ status: 404, expose: false, cause: { code: 'ERR_JWT_EXPIRED' } });
  });

  it('refuses every token of a tenant without an issuer, before asking `verify`', async () => {
    verified.length = 0;
    await expect(idOf(bearing(await token(ACME, { tenant: 'initech' })))).rejects.toThrow(TenantForbiddenError);
    // Not by `toEqual([])`, which a list of `undefined` passes.
    expect(verified).toHaveLength(0);
  });

  it('refuses a tenant that does not exist', async () => {
    await expect(idOf(bearing(await token(ACME, { tenant: 'nobody' })))).rejects.toThrow(TenantNotFoundError);
  });

  it.each<[string, (jwt: string) => Claims | undefined]>([
    ['nothing', () => undefined],
    ['another issuer', () => ({ iss: GLOBEX, tenant: 'acme' })],
    ['no issuer', () => ({ tenant: 'acme' })],
    ['another tenant', () => ({ iss: ACME, tenant: 'globex' })],
    ['a list of tenants', () => ({ iss: ACME, tenant: ['acme'] })],
  ])('compares once more, and refuses where `verify` gives %s', async (_case, verify) => {
    const careless = byClaim<TenantRequest, Customer>({
      issuer: (tenant) => tenant.issuer,
      verify: verify as () => Claims,
    });
    await expect(idOf(bearing(await token(ACME, { tenant: 'acme' })), [careless])).rejects.toThrow(
      TenantForbiddenError,
    );
  });

  it('must agree with the host', async () => {
    const sources = [bySubdomain('example.com'), bySignedClaim];
    const parts = bearing(await token(GLOBEX, { tenant: 'globex' }));
    expect(await idOf({ ...parts, host: 'globex.example.com' }, sources)).toBe('globex');
    await expect(idOf({ ...parts, host: 'acme.example.com' }, sources)).rejects.toThrow(TenantAmbiguousError);
    const forged = bearing(await token(GLOBEX, { tenant: 'acme' }));
    await expect(idOf({ ...forged, host: 'acme.example.com' }, sources)).rejects.toThrow(TenantForbiddenError);
  });

  it.each<[string, readonly string[]]>([
    ['no header', []],
    ['another scheme', ['Basic YTpi']],
    ['another scheme that begins alike', ['Bearers abc']],
    ['another scheme with the word in it', ['Digest bearer']],
  ])('names no tenant with %s', async (_case, authorization) => {
    expect(await idOf({ headers: { authorization } })).toBeUndefined();
  });

  it.each<[string, readonly string[]]>([
    ['no token', ['Bearer']],
    ['a token that is no JWT', ['Bearer abc']],
    ['a payload that is no JSON', ['Bearer a.b.c']],
    ['a payload that is a list', [`Bearer a.${Buffer.from('["acme"]').toString('base64url')}.c`]],
    ['two parts', [`Bearer a.${Buffer.from('{"tenant":"acme"}').toString('base64url')}`]],
    ['two tokens', ['Bearer a.b.c d.e.f']],
    ['two headers', ['Bearer a.b.c', 'Bearer a.b.c']],
  ])('refuses %s with 400', async (_case, authorization) => {
    await expect(idOf({ headers: { authorization } })).rejects.toThrow(BadTenantRequestError);
  });

  it.each<[string, (jwt: string) => readonly string[]]>([
    ['in another header', (jwt) => [`Bearer ${jwt}`, `Bearer ${jwt}`]],
    ['after it', (jwt) => [`Bearer ${jwt} ${jwt}`]],
    ['and something else before it', (jwt) => [`Bearer ? bearer ${jwt}`]],
  ])('refuses a second token %s, be it the same', async (_case, lines) => {
    const authorization = lines(await token(ACME, { tenant: 'acme' }));
    await expect(idOf({ headers: { authorization } })).rejects.toThrow(/must be one bearer token/);
  });

  it.each(['null', '7', '"acme"', '["acme"]'])('refuses the payload %s, which has no claims', async (payload) => {
    const jwt = `a.${Buffer.from(payload).toString('base64url')}.c`;
    await expect(idOf(bearing(jwt))).rejects.toThrow(/no JSON Web Token/);
  });

  it.each([undefined, null, 7, '', 'ACME', ['acme'], { id: 'acme' }])(
    'refuses a token whose claim is %j with 400',
    async (tenant) => {
      const request = tenantRequest(bearing(await token(ACME, { tenant })));
      await expect(bySignedClaim(request)).rejects.toThrow(BadTenantRequestError);
    },
  );

  it('takes the token from elsewhere, and another claim', async () => {
    const elsewhere = byClaim<TenantRequest, Customer>({
      claim: 'org',
      issuer: ACME,
      token: ({ header }) => header('x-token')[0],
      verify: async () => ({ iss: ACME, org: 'acme' }),
      vary: ['X-Token'],
    });
    expect(elsewhere.vary).toEqual(['X-Token']);
    expect(await idOf({ headers: { 'x-token': [await token(ACME, { org: 'acme' })] } }, [elsewhere])).toBe('acme');
  });
});

describe('byClaim with `claims`', () => {
  const left = (claims: Claims | undefined, issuer: ByClaimOptions<TenantRequest, Customer>['issuer']) => [
    byClaim<TenantRequest, Customer>({ claims: () => claims, issuer }),
  ];

  it('names the tenant of the claims that earlier middleware has verified', async () => {
    expect(
      await idOf(
        {},
        left({ iss: ACME, tenant: 'acme' }, ({ issuer }) => issuer),
      ),
    ).toBe('acme');
    expect(await idOf({}, left({ iss: 'https://sso', tenant: 'acme' }, 'https://sso'))).toBe('acme');
    expect(await idOf({}, left(undefined, ACME))).toBeUndefined();
    expect(await idOf({}, left(null as unknown as undefined, ACME))).toBeUndefined();
  });

  it('refuses claims by another issuer', async () => {
    const foreign = left({ iss: GLOBEX, tenant: 'acme' }, ({ issuer }) => issuer);
    await expect(idOf({}, foreign)).rejects.toThrow(TenantForbiddenError);
    await expect(idOf({}, left({ iss: ACME, tenant: 'acme' }, 'https://sso'))).rejects.toThrow(TenantForbiddenError);
    const none = left({ iss: undefined, tenant: 'initech' }, ({ issuer }) => issuer);
    await expect(idOf({}, none)).rejects.toThrow(TenantForbiddenError);
  });

  it.each(['', 7])('takes %j for no issuer, also where the claims are by the same', async (issuer) => {
    const nobody = left({ iss: issuer, tenant: 'acme' }, () => issuer as string);
    await expect(idOf({}, nobody)).rejects.toThrow(TenantForbiddenError);
  });
});

describe('byClaim', () => {
  it('says what its source is, and that responses vary by the header of the token', () => {
    expect(bySignedClaim.source).toBe('claim tenant');
    expect(bySignedClaim.vary).toEqual(['Authorization']);
  });

  it.each<[string, object]>([
    ['no issuer', { verify: () => ({}) }],
    ['an empty issuer', { issuer: '', verify: () => ({}) }],
    ['neither verify nor claims', { issuer: ACME }],
    ['both', { issuer: ACME, verify: () => ({}), claims: () => ({}) }],
    ['an empty claim', { issuer: ACME, claim: '', verify: () => ({}) }],
    ['a claim that is no name', { issuer: ACME, claim: 7, verify: () => ({}) }],
  ])('refuses %s when it is built', (_case, options) => {
    expect(() => byClaim(options as ByClaimOptions)).toThrow(TenancyConfigurationError);
  });
});
