import { checkedSnapshot, type TenantSnapshot } from '../context/TenantSnapshot.ts';
import { TenancyConfigurationError } from '../errors.ts';

/** Where the data of a job keeps whose it is. */
export const TENANCY = 'tenancy';

/** A job's data with the tenant that it was added for. */
export type TenantJobData<Data> = Data & { readonly [TENANCY]: TenantSnapshot };

/** Throws {@link TenancyConfigurationError} for data that is no object or has a `tenancy` of its own. */
export function withTenant<Data extends object>(data: Data, snapshot: TenantSnapshot): TenantJobData<Data> {
  const isPlain = typeof data === 'object' && data !== null && !Array.isArray(data);
  if (!isPlain || TENANCY in data) {
    throw new TenancyConfigurationError(
      `The data of a tenant's job is an object without a member "${TENANCY}", which keeps whose job it is.`,
      { tenantId: snapshot.tenantId },
    );
  }
  return { ...data, [TENANCY]: snapshot };
}

/** Whose job it is. Throws {@link TenancyConfigurationError} where its data does not say. */
export function tenantOfJob(data: unknown): TenantSnapshot {
  const snapshot: unknown = typeof data === 'object' && data !== null ? Reflect.get(data, TENANCY) : undefined;
  if (snapshot === undefined) {
    throw new TenancyConfigurationError(
      'This job says of no tenant that it is for. Add it within `manager.run` or a request, by the queue of this library, ' +
        `and keep "${TENANCY}" when you change its data.`,
    );
  }
  return checkedSnapshot(snapshot);
}

/**
 * A key that a queue takes for the same one whoever gives it, as the id of a job: one tenant's must not swallow another's.
 * No id of a tenant has a dot.
 */
export function tenantJobKey(key: string, { tenantId }: TenantSnapshot): string {
  return `${tenantId}.${key}`;
}
