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

/**
 * Calls `run` for each tenant of the catalogue, some at a time. Gives a result for each. All are known before the first is
 * taken: a catalogue that fails in between leaves nobody half way.
 */
export async function eachTenant<T extends Tenant, R>(
  catalog: TenantCatalog<T>,
  run: (tenantId: string) => Promise<R>,
  options: EachOptions<T>,
): Promise<EachResult<R>[]> {
  const { allow = [], concurrency = 4 } = options;
  const { where = (tenant: T) => unavailabilityOf(tenant, allow) === undefined } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new TenancyConfigurationError('`concurrency` of `each` must be a whole number of at least 1.');
  }
  const attempt = async (tenantId: string): Promise<EachResult<R>> => {
    try {
      return { tenantId, ok: true, value: await run(tenantId) };
    } catch (error) {
      return { tenantId, ok: false, error };
    }
  };
  return pMap(await idsOf(catalog, where), attempt, { concurrency });
}

async function idsOf<T extends Tenant>(catalog: TenantCatalog<T>, where: (tenant: T) => boolean): Promise<string[]> {
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const page = await catalog.list(after === undefined ? {} : { after });
    ids.push(...page.tenants.filter(where).map(({ id }) => id));
    after = page.next;
  } while (after !== undefined);
  return ids;
}
