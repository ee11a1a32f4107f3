// A package of its own, as `bench/peers` is, cannot name the one around it; a file outside of it can.
export { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
export { bySubdomain, tenancy, trustResolution } from 'mikro-orm-multitenancy/koa';
