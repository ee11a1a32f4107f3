import pMap from 'p-map';
import { TenancyConfigurationError } from '../errors.ts';
import type { Tenant, TenantStatus } from '../tenant/Tenant.ts';
import { unavailabilityOf } from '../tenant/unavailabilityOf.ts';
import type { TenantCatalog } from './TenantCatalog.ts';

/** What became of one tenant in {@link TenantOrmManager.each}. */
export type EachResult<R> =
  | { readonly tenantId: string; readonly ok: true; readonly value: R }
  | { readonly tenantId: string; readonly ok: false; readonly error: unknown };

/** Options of {@link TenantOrmManager.each}. */
export interface EachOptions<T extends Tenant> {
  /** Which tenants. @default those that take work */
  readonly where?: (tenant: T) => boolean;
  /** How many tenants at once. @default 4 */
  readonly concurrency?: number;
  /** Statuses in which tenants are taken as well, as for `run`. @default [] */
  readonly allow?: readonly TenantStatus[];
}

/** Calls `run` for each tenant of the catalogue, page by page, some at a time. Gives a result for each. */
export async function eachTenant<T extends Tenant, R>(
  catalog: TenantCatalog<T>,
  run: (tenant: T) => Promise<R>,
  options: EachOptions<T>,
): Promise<EachResult<R>[]> {
  const { allow = [], concurrency = 4 } = options;
  const { where = (tenant: T) => unavailabilityOf(tenant, allow) === undefined } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new TenancyConfigurationError('`concurrency` of `each` must be a whole number of at least 1.');
  }
  const attempt = async (tenant: T): Promise<EachResult<R>> => {
    try {
      return { tenantId: tenant.id, ok: true, value: await run(tenant) };
    } catch (error) {
      return { tenantId: tenant.id, ok: false, error };
    }
  };
  return pMap(tenantsOf(catalog, where), attempt, { concurrency });
}

async function* tenantsOf<T extends Tenant>(
  catalog: TenantCatalog<T>,
  where: (tenant: T) => boolean,
): AsyncGenerator<T> {
  let after: string | undefined;
  do {
    const page = await catalog.list(after === undefined ? {} : { after });
    yield* page.tenants.filter(where);
    after = page.next;
  } while (after !== undefined);
}
