import type { TenantCatalog } from '../catalog/TenantCatalog.ts';
import {
  BadTenantRequestError,
  TenancyConfigurationError,
  TenantAmbiguousError,
  TenantForbiddenError,
  TenantNotFoundError,
} from '../errors.ts';
import { isDomainName } from '../tenant/domainName.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { isTenantId } from '../tenant/tenantId.ts';
import type { ResolvedTenant, TenantReference, TenantRequest, TenantResolver } from './TenantRequest.ts';

/**
 * How the sources of a request are put together. `agree`: all are asked, and two that name different tenants are
 * refused. `first`: the first that names a tenant decides, and the ones after it are not asked.
 */
export type Sources = 'agree' | 'first';

/** A source that named a tenant, and how. */
interface Named {
  readonly source: string;
  readonly reference: TenantReference;
}

/**
 * The tenant of a request: the one that the first resolver names which names any, or `undefined` when none does. A name
 * without a tenant is never made good by a later resolver. Of a tenant's status nothing is said here: first comes
 * whether the client may know of it.
 *
 * Throws {@link BadTenantRequestError}, {@link TenantNotFoundError}, {@link TenantAmbiguousError} or
 * {@link TenantForbiddenError}.
 */
export async function resolveTenant<R extends TenantRequest, T extends Tenant>(
  request: R,
  resolvers: readonly TenantResolver<R>[],
  catalog: TenantCatalog<T>,
  sources: Sources = 'agree',
): Promise<ResolvedTenant<T> | undefined> {
  const all = await named(request, resolvers, sources);
  const [first, ...others] = all;
  if (first === undefined) {
    return undefined;
  }
  const { reference } = first;
  const tenant = await lookUp(reference, catalog);
  if (tenant === undefined) {
    throw new TenantNotFoundError(reference.by === 'id' ? reference.id : undefined);
  }
  for (const other of others) {
    await assertAgrees(other, first, tenant, catalog);
  }
  for (const { reference: each } of all) {
    if (each.by === 'id' && each.isProvenFor !== undefined && (await each.isProvenFor(tenant)) !== true) {
      throw new TenantForbiddenError(tenant.id, 'its token is by another issuer, or for another tenant');
    }
  }
  return {
    tenant,
    path: pathOf(reference) ?? others.map((other) => pathOf(other.reference)).find((path) => path !== undefined),
    domain: reference.by === 'domain' ? reference.domain : undefined,
  };
}

/** What each source names, in the resolvers' order. */
async function named<R extends TenantRequest>(
  request: R,
  resolvers: readonly TenantResolver<R>[],
  sources: Sources,
): Promise<Named[]> {
  const found: Named[] = [];
  for (const resolve of resolvers) {
    const { source } = resolve;
    if (found.some((earlier) => earlier.source === source)) {
      continue;
    }
    const reference = await resolve(request);
    if (reference === undefined || reference === null) {
      continue;
    }
    assertReference(reference);
    found.push({ source: source ?? 'a function of the application', reference });
    if (sources === 'first') {
      break;
    }
  }
  return found;
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

async function assertAgrees<T extends Tenant>(other: Named, first: Named, tenant: T, catalog: TenantCatalog<T>) {
  const { reference } = other;
  const otherId = reference.by === 'id' ? reference.id : (await lookUp(reference, catalog))?.id;
  if (otherId !== undefined && otherId !== tenant.id) {
    throw new TenantAmbiguousError(tenant.id, otherId, [first.source, other.source]);
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
