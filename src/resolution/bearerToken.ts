import { BadTenantRequestError } from '../errors.ts';
import type { TenantRequest } from './TenantRequest.ts';

/** RFC 6750's `b64token`, after the scheme in any case. */
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/** The token of `Authorization: Bearer …`; none where another scheme is used. Two headers are refused. */
export function bearerToken(request: TenantRequest): string | undefined {
  const [value, ...more] = request.header('authorization');
  if (value === undefined || !/^bearer(?: |$)/i.test(value)) {
    return undefined;
  }
  const token = BEARER.exec(value)?.[1];
  if (token === undefined || more.length > 0) {
    throw new BadTenantRequestError('The Authorization header must be one bearer token.');
  }
  return token;
}

/** What a JWT says, before anybody has checked that. Throws {@link BadTenantRequestError} for what is no JWT. */
export function unverifiedClaims(token: string): Readonly<Record<string, unknown>> {
  const parts = token.split('.');
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
    if (parts.length === 3 && typeof claims === 'object' && claims !== null && !Array.isArray(claims)) {
      return claims as Record<string, unknown>;
    }
  } catch {
    // No JSON: refused below, without what the client sent.
  }
  throw new BadTenantRequestError('The token of the request is no JSON Web Token.');
}
