import type { TenantCatalog } from '../catalog/TenantCatalog.ts';
import { isDomainName } from '../tenant/domainName.ts';
import { statusOf, type Tenant, type TenantStatus } from '../tenant/Tenant.ts';
import { isTenantId } from '../tenant/tenantId.ts';

export interface TenantQuery {
  /** The beginning of an id, or a whole domain; empty for all. */
  readonly text: string;
  readonly status: TenantStatus | undefined;
  /** The `next` of the page before. */
  readonly after: string | undefined;
  readonly limit: number;
}

export interface FoundTenants<T extends Tenant> {
  readonly tenants: readonly T[];
  /** Where the next page begins; `undefined` where there is none. */
  readonly next: string | undefined;
}

/** How many tenants are looked at for one page. A catalogue does not know them by status. */
const MOST_LOOKED_AT = 1_000;

/** What an id can begin with. */
const BEGINNING = /^(?:[a-z0-9][a-z0-9_-]{0,62})?$/;

/**
 * One page of tenants by ascending id, of a catalogue of any size; with `status` up to twice as many as `limit`. Ids that
 * begin with a text follow each other, so that they are read from the first of them on: `list` takes any text for
 * `after` then, as the catalogues of this library do.
 */
export async function findTenants<T extends Tenant>(
  catalog: TenantCatalog<T>,
  { text, status, after, limit }: TenantQuery,
): Promise<FoundTenants<T>> {
  if (isDomainName(text) && text.includes('.')) {
    const owner = await catalog.findByDomain(text);
    return { tenants: owner === undefined ? [] : [owner], next: undefined };
  }
  if (!BEGINNING.test(text)) {
    return { tenants: [], next: undefined };
  }
  const suits = (tenant: T): boolean => status === undefined || statusOf(tenant) === status;
  const exact = after === undefined && isTenantId(text) ? await catalog.find(text) : undefined;
  const found = exact !== undefined && suits(exact) ? [exact] : [];
  let next = after ?? (text === '' ? undefined : text);
  for (let lookedAt = 0; lookedAt < MOST_LOOKED_AT && found.length < limit; lookedAt += limit) {
    const page = await catalog.list({ after: next, limit });
    const ofText = page.tenants.filter(({ id }) => id.startsWith(text));
    found.push(...ofText.filter(suits));
    next = page.next;
    if (next === undefined || ofText.length < page.tenants.length) {
      return { tenants: found, next: undefined };
    }
  }
  return { tenants: found, next };
}
