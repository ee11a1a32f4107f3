import type { EntityMetadata, EntityProperty } from '@mikro-orm/core';
import { helper, ReferenceKind, Utils } from '@mikro-orm/core';
import type { CatalogTenant, TenantDomainDetails } from './CatalogTenant.ts';
import type { TenantDomain, TenantEntity } from './TenantEntity.ts';

/** The frozen tenant of a row and its domains, with the application's own columns. */
export function tenantObject(row: TenantEntity, domains: readonly TenantDomain[]): CatalogTenant {
  const { __meta: meta } = helper(row) as unknown as { readonly __meta: EntityMetadata };
  const columns = meta.props.filter(isColumn).map(({ name }) => [name, plain(Reflect.get(row, name))] as const);
  const domainDetails = [...domains].sort(primaryFirst).map(detailsOf);
  return Object.freeze({
    ...(Object.fromEntries(columns) as unknown as CatalogTenant),
    domains: Object.freeze(domainDetails.flatMap(({ domain, verifiedAt }) => (verifiedAt ? [domain] : []))),
    domainDetails: Object.freeze(domainDetails),
  });
}

/** Relations are left out, unless the property holds the key of what it refers to. */
function isColumn(property: EntityProperty): boolean {
  const { kind, mapToPk } = property;
  return kind === ReferenceKind.SCALAR || (kind === ReferenceKind.EMBEDDED && !property.embedded) || mapToPk === true;
}

/** A copy that nobody can change; a tenant is handed to every request. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return Object.freeze(value.map(plain));
  }
  if (Utils.isPlainObject(value) || Utils.isEntity(value)) {
    const copy = Object.entries(value as object).map(([name, part]) => [name, plain(part)]);
    return Object.freeze(Object.fromEntries(copy));
  }
  return value;
}

function primaryFirst(one: TenantDomain, other: TenantDomain): number {
  return Number(other.isPrimary) - Number(one.isPrimary) || (one.domain < other.domain ? -1 : 1);
}

function detailsOf({ domain, isPrimary, verifiedAt }: TenantDomain): TenantDomainDetails {
  return Object.freeze({ domain, isPrimary, verifiedAt: verifiedAt ?? undefined });
}
