import type { TenantCatalog } from '../catalog/TenantCatalog.ts';
import {
  BadTenantRequestError,
  TenancyConfigurationError,
  TenantAmbiguousError,
  TenantNotFoundError,
} from '../errors.ts';
import { isDomainName } from '../tenant/domainName.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { isTenantId } from '../tenant/tenantId.ts';
import { unavailabilityOf } from '../tenant/unavailabilityOf.ts';
import type { ResolvedTenant, TenantReference, TenantRequest, TenantResolver } from './TenantRequest.ts';

/**
 * The tenant of a request: the one that the first resolver names which names any. A name without a tenant is never
 * made good by a later resolver, and one of another source must agree. A tenant whose status hides it is refused here;
 * one that is provisioning or in maintenance is given, so that only who is authorized learns of that.
 *
 * Throws {@link BadTenantRequestError}, {@link TenantNotFoundError}, {@link TenantAmbiguousError} or
 * `TenantUnavailableError`.
 */
export async function resolveTenant<R extends TenantRequest, T extends Tenant>(
  request: R,
  resolvers: readonly TenantResolver<R>[],
  catalog: TenantCatalog<T>,
): Promise<ResolvedTenant<T>> {
  const [first, ...others] = await referencesOf(request, resolvers);
  if (first === undefined) {
    throw new TenantNotFoundError();
  }
  const tenant = await lookUp(first, catalog);
  if (tenant === undefined) {
    throw new TenantNotFoundError(first.by === 'id' ? first.id : undefined);
  }
  for (const other of others) {
    const otherId = other.by === 'id' ? other.id : (await lookUp(other, catalog))?.id;
    if (otherId !== undefined && otherId !== tenant.id) {
      throw new TenantAmbiguousError(tenant.id, otherId);
    }
  }
  const unavailability = unavailabilityOf(tenant);
  if (unavailability?.status === 404) {
    throw unavailability;
  }
  return { tenant, path: pathOf(first) ?? others.map(pathOf).find((path) => path !== undefined) };
}

/** What each source names, in the resolvers' order. */
async function referencesOf<R extends TenantRequest>(request: R, resolvers: readonly TenantResolver<R>[]) {
  const references: TenantReference[] = [];
  const sources = new Set<string>();
  for (const resolve of resolvers) {
    const { source } = resolve;
    if (source !== undefined && sources.has(source)) {
      continue;
    }
    const reference = await resolve(request);
    if (reference === undefined || reference === null) {
      continue;
    }
    assertReference(reference);
    references.push(reference);
    if (source !== undefined) {
      sources.add(source);
    }
  }
  return references;
}

function assertReference(reference: TenantReference): void {
  const { by }: { readonly by: unknown } = reference;
  if (by !== 'id' && by !== 'domain') {
    throw new TenancyConfigurationError(
      "A function in `resolve` gives { by: 'id', id }, { by: 'domain', domain }, or undefined when it names no tenant.",
    );
  }
  if (reference.by === 'id' ? !isTenantId(reference.id) : !isDomainName(reference.domain)) {
    throw new BadTenantRequestError('The request names its tenant in a malformed way.');
  }
}

async function lookUp<T extends Tenant>(reference: TenantReference, catalog: TenantCatalog<T>): Promise<T | undefined> {
  if (reference.by === 'domain') {
    return (await catalog.findByDomain(reference.domain)) ?? undefined;
  }
  const tenant = (await catalog.find(reference.id)) ?? undefined;
  if (tenant !== undefined && tenant.id !== reference.id) {
    throw new TenancyConfigurationError(
      `The catalog answered find("${reference.id}") with tenant "${tenant.id}". Compare ids exactly, also their case.`,
      { tenantId: reference.id },
    );
  }
  return tenant;
}

function pathOf(reference: TenantReference): string | undefined {
  return reference.by === 'id' ? reference.path : undefined;
}
