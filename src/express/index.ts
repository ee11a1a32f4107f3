export type { RouteMode } from '../http/routeMode.ts';
export { type TenancyLease, type TenancyManager, trustResolution } from '../http/TenancyOptions.ts';
export {
  type ByClaimOptions,
  type ByTokenOptions,
  type ByVerifiedClaimsOptions,
  byClaim,
  type Claims,
  type ExpectedToken,
} from '../resolution/byClaim.ts';
export { type ByCookieOptions, byCookie } from '../resolution/byCookie.ts';
export { type ByDomainOptions, byDomain } from '../resolution/byDomain.ts';
export { type ByHeaderOptions, byHeader } from '../resolution/byHeader.ts';
export { type ByPathOptions, byPath } from '../resolution/byPath.ts';
export { type ByQueryOptions, byQuery } from '../resolution/byQuery.ts';
export { type BySubdomainOptions, bySubdomain } from '../resolution/bySubdomain.ts';
export type { Sources } from '../resolution/resolveTenant.ts';
export type { TenantReference, TenantRequest, TenantResolver } from '../resolution/TenantRequest.ts';
export type { TrustedProxiesOptions } from '../resolution/TrustedProxies.ts';
export type { Trusted } from '../resolution/trust.ts';
export type {
  Authorize,
  CentralRoutesOptions,
  ExpressTenantRequest,
  RequestTenant,
  RouteModes,
  SessionOf,
  TenancyOptions,
} from './TenancyOptions.ts';
export { tenancy } from './tenancy.ts';
export { tenancyErrors } from './tenancyErrors.ts';
