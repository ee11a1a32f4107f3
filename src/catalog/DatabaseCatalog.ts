import type { EntityManager, EntityName } from '@mikro-orm/core';
import { isDomainName } from '../tenant/domainName.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { isTenantId } from '../tenant/tenantId.ts';
import type { TenantEntityType } from './CatalogTenant.ts';
import { pageLimit } from './pageLimit.ts';
import type { ListOptions, TenantCatalog, TenantPage } from './TenantCatalog.ts';
import { TenantDomain, type TenantEntity } from './TenantEntity.ts';
import { tenantObject } from './tenantObject.ts';

/** Where a {@link DatabaseCatalog} reads. */
export interface CatalogDatabase {
  /** The application's class or schema of the catalogue's rows. */
  readonly tenant: TenantEntityType;
  /** An EntityManager of the central database with an identity map of its own. */
  fork(): EntityManager;
}

/** The default filters of an application are for its own queries. */
const UNFILTERED = Object.freeze({ filters: false });

/** The catalogue of the central database, as it is there now: every call asks. Put a `CachedCatalog` before it. */
export class DatabaseCatalog<T extends Tenant = Tenant> implements TenantCatalog<T> {
  readonly #database: CatalogDatabase;

  constructor(database: CatalogDatabase) {
    this.#database = database;
  }

  async find(id: string): Promise<T | undefined> {
    const [tenant] = await this.findMany([id]);
    return tenant;
  }

  /** Those of the tenants that exist, in ascending order of the id. */
  async findMany(ids: readonly string[]): Promise<readonly T[]> {
    const known = ids.filter(isTenantId);
    return known.length === 0 ? [] : tenantsOf<T>(this.#database, this.#database.fork(), { id: { $in: known } });
  }

  /** Only a verified domain leads to its tenant. */
  async findByDomain(domain: string): Promise<T | undefined> {
    if (!isDomainName(domain)) {
      return undefined;
    }
    const where = { domain, verifiedAt: { $ne: null } };
    const row = await this.#database.fork().findOne(TenantDomain, where, UNFILTERED);
    return row === null ? undefined : this.find(row.tenantId);
  }

  async list(options: ListOptions = {}): Promise<TenantPage<T>> {
    const limit = pageLimit(options);
    const where = options.after === undefined ? {} : { id: { $gt: options.after } };
    const found = await tenantsOf<T>(this.#database, this.#database.fork(), where, limit + 1);
    const tenants = found.slice(0, limit);
    return { tenants, next: found.length > limit ? tenants.at(-1)?.id : undefined };
  }
}

/** Tenants as `em` sees them, in ascending order of the id. */
export async function tenantsOf<T extends Tenant>(
  { tenant }: CatalogDatabase,
  em: EntityManager,
  where: object,
  limit?: number,
): Promise<readonly T[]> {
  const options = { ...UNFILTERED, orderBy: { id: 'asc' }, ...(limit === undefined ? {} : { limit }) } as object;
  const rows = await em.find(tenant as EntityName<TenantEntity>, where, options);
  const ids = rows.map(({ id }) => id);
  const domains = ids.length === 0 ? [] : await em.find(TenantDomain, { tenantId: { $in: ids } }, UNFILTERED);
  const byTenant = Map.groupBy(domains, ({ tenantId }) => tenantId);
  return rows.map((row) => tenantObject(row, byTenant.get(row.id) ?? []) as unknown as T);
}
