import { TenancyConfigurationError } from '../errors.ts';
import { createdAtOf, type Tenant } from '../tenant/Tenant.ts';
import { requireTenant } from './TenantContext.ts';

/**
 * A key of the current tenant for a cache, a lock or a rate limit that all tenants share, as `acme@1767225600000:houses:17`.
 * No two tenants and no two lists of parts have the same one; a tenant that comes after a dropped one with its id has
 * others where the catalogue keeps `createdAt`. Throws `NoTenantError` outside a tenant.
 */
export function tenantKey(...parts: readonly (string | number | bigint | boolean)[]): string {
  return keyOf(requireTenant(), parts);
}

/** The same for a tenant in hand. */
export function keyOf(tenant: Tenant, parts: readonly (string | number | bigint | boolean)[]): string {
  return [ownerOf(tenant), ...parts.map(escaped)].join(':');
}

/** What all keys of a tenant begin with. `:` follows it in a key, and is in no id. */
function ownerOf(tenant: Tenant): string {
  const createdAt = createdAtOf(tenant);
  return createdAt === undefined ? tenant.id : `${tenant.id}@${Date.parse(createdAt)}`;
}

/** `:` between parts must not be taken for one within them. */
function escaped(part: unknown): string {
  if (!['string', 'number', 'bigint', 'boolean'].includes(typeof part)) {
    throw new TenancyConfigurationError(`tenantKey takes strings, numbers and booleans, and got ${typeof part}.`);
  }
  return String(part).replaceAll('%', '%25').replaceAll(':', '%3A');
}
