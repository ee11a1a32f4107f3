import { BadTenantRequestError, TenancyConfigurationError, TenantForbiddenError } from '../errors.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { isTenantId } from '../tenant/tenantId.ts';
import { bearerToken, unverifiedClaims } from './bearerToken.ts';
import type { TenantReference, TenantRequest, TenantResolver } from './TenantRequest.ts';

/** The payload of a JSON Web Token. */
export type Claims = Readonly<Record<string, unknown>>;

/** What a token must have been made for. */
export interface ExpectedToken<R extends TenantRequest, T extends Tenant> {
  /** The tenant that the token names. */
  readonly tenant: T;
  /** The only one who may have signed it. */
  readonly issuer: string;
  readonly request: R;
}

interface ClaimOptions<T extends Tenant> {
  /** The claim that is the tenant's id. @default 'tenant' */
  readonly claim?: string | undefined;
  /**
   * Who may issue tokens for a tenant: one issuer for all, or each tenant's own. A token by another one is refused,
   * whatever its signature; so is every token of a tenant for which this gives `undefined`.
   */
  readonly issuer: string | ((tenant: T) => string | undefined);
  /** Request headers that the claims come from. @default ['Authorization'] */
  readonly vary?: readonly string[] | undefined;
}

/** The library reads the token, and `verify` checks it with the keys of the issuer that it must be by. */
export interface ByTokenOptions<R extends TenantRequest = TenantRequest, T extends Tenant = Tenant>
  extends ClaimOptions<T> {
  /** Gives the claims of a token whose signature, time and audience are right; rejects otherwise. */
  readonly verify: (token: string, expected: ExpectedToken<R, T>) => Claims | Promise<Claims>;
  /** Where the token is. @default the bearer token of the Authorization header */
  readonly token?: ((request: R) => string | undefined) | undefined;
  readonly claims?: never;
}

/** Earlier middleware has verified a token, and left its claims. */
export interface ByVerifiedClaimsOptions<R extends TenantRequest = TenantRequest, T extends Tenant = Tenant>
  extends ClaimOptions<T> {
  /** The verified claims, as in `({ ctx }) => ctx.state.user`; `undefined` where there is no token. */
  readonly claims: (request: R) => Claims | undefined | Promise<Claims | undefined>;
  readonly verify?: never;
  readonly token?: never;
}

/** Options of {@link byClaim}: a token to verify, or claims that were verified before. */
export type ByClaimOptions<R extends TenantRequest = TenantRequest, T extends Tenant = Tenant> =
  | ByTokenOptions<R, T>
  | ByVerifiedClaimsOptions<R, T>;

/**
 * Takes a claim of a JSON Web Token for the tenant's id. Signatures are the application's to check. What is checked here
 * is that the token is by the issuer of the very tenant that it names: an issuer of one tenant can sign anything, also
 * another tenant's name. A token without the claim is refused.
 */
export function byClaim<R extends TenantRequest = TenantRequest, T extends Tenant = Tenant>(
  options: ByClaimOptions<R, T>,
): TenantResolver<R> {
  assertOptions(options);
  const { claim = 'tenant' } = options;
  const reference = async (request: R): Promise<TenantReference | undefined> => {
    if (options.claims !== undefined) {
      const claims = await options.claims(request);
      const prove = (tenant: T): boolean => isFor(claims, tenant);
      return claims === undefined || claims === null ? undefined : referenceOf(claims, prove);
    }
    const { verify, token: tokenOf = bearerToken } = options;
    const token = tokenOf(request);
    return token === undefined
      ? undefined
      : referenceOf(unverifiedClaims(token), async (tenant) => {
          const issuer = issuerOf(tenant);
          return (
            issuer !== undefined &&
            isFor(await verified(() => verify(token, { tenant, issuer, request }), tenant), tenant)
          );
        });
  };

  function referenceOf(claims: Claims, prove: (tenant: T) => boolean | Promise<boolean>): TenantReference {
    const id = claims[claim];
    if (!isTenantId(id)) {
      throw new BadTenantRequestError('The token of the request has no tenant id where one belongs.');
    }
    // The catalogue's tenants are T wherever this resolver is used with it.
    return { by: 'id', id, isProvenFor: (tenant) => prove(tenant as T) };
  }

  function issuerOf(tenant: T): string | undefined {
    const issuer = typeof options.issuer === 'string' ? options.issuer : options.issuer(tenant);
    return typeof issuer === 'string' && issuer !== '' ? issuer : undefined;
  }

  /** Compared once more: `verify` may have looked at less than it should. */
  function isFor(claims: Claims | undefined | null, tenant: T): boolean {
    const issuer = issuerOf(tenant);
    return issuer !== undefined && claims?.['iss'] === issuer && claims[claim] === tenant.id;
  }

  return Object.assign(reference, { source: `claim ${claim}`, vary: options.vary ?? ['Authorization'] });
}

/** Why a token was refused is for the application's eyes, in the `cause` of the refusal. */
async function verified(verify: () => Claims | Promise<Claims>, tenant: Tenant): Promise<Claims> {
  try {
    return await verify();
  } catch (cause) {
    throw new TenantForbiddenError(tenant.id, 'its token was not accepted by `verify`', { cause });
  }
}

function assertOptions(options: ByClaimOptions<never, never>): void {
  const { claim = 'tenant', issuer, verify, claims }: Readonly<Record<string, unknown>> = { ...options };
  if (typeof claim !== 'string' || claim === '') {
    throw new TenancyConfigurationError("byClaim: `claim` is the name of the claim that is the tenant's id.");
  }
  if (typeof issuer !== 'function' && (typeof issuer !== 'string' || issuer === '')) {
    throw new TenancyConfigurationError(
      'byClaim: `issuer` is required. Give the one issuer of all tokens, or a function (tenant) => string that gives ' +
        "each tenant's own; a token by another one is refused.",
    );
  }
  if ((typeof verify === 'function') === (typeof claims === 'function')) {
    throw new TenancyConfigurationError(
      'byClaim: give either `verify`, which checks a token, or `claims`, which gives those that earlier middleware has ' +
        'verified.',
    );
  }
}
