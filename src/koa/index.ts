export { byDomain } from '../resolution/byDomain.ts';
export { type ByHeaderOptions, byHeader } from '../resolution/byHeader.ts';
export { type ByPathOptions, byPath } from '../resolution/byPath.ts';
export { type BySubdomainOptions, bySubdomain } from '../resolution/bySubdomain.ts';
export type { TenantReference, TenantRequest, TenantResolver } from '../resolution/TenantRequest.ts';
export type { KoaTenantRequest } from './KoaTenantRequest.ts';
export {
  type Authorize,
  type TenancyLease,
  type TenancyManager,
  type TenancyOptions,
  type TenancyState,
  trustResolution,
} from './TenancyOptions.ts';
export { tenancy } from './tenancy.ts';
