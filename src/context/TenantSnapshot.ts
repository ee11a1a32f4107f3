import { z } from 'zod';
import { TenancyConfigurationError } from '../errors.ts';
import { createdAtOf, type Tenant } from '../tenant/Tenant.ts';
import { TenantReplacedError } from './TenantReplacedError.ts';

/** Which tenant a piece of work belongs to, as plain JSON: for a queue, a cron job, another process. */
export interface TenantSnapshot {
  readonly tenantId: string;
  /** When that tenant was created, in ISO 8601, where its catalogue says so; one that came later with its id is refused. */
  readonly createdAt?: string | undefined;
}

const shape = z.strictObject({ tenantId: z.string(), createdAt: z.iso.datetime().optional() });

export function snapshotOf(tenant: Tenant): TenantSnapshot {
  const createdAt = createdAtOf(tenant);
  return Object.freeze(createdAt === undefined ? { tenantId: tenant.id } : { tenantId: tenant.id, createdAt });
}

/** What came back from where a snapshot was kept. Throws {@link TenancyConfigurationError} unless it is one. */
export function checkedSnapshot(value: unknown): TenantSnapshot {
  const parsed = shape.safeParse(value);
  if (!parsed.success) {
    throw new TenancyConfigurationError(
      `This is no snapshot of a tenant: ${z.prettifyError(parsed.error)}. Keep what \`manager.capture()\` gave as it is.`,
    );
  }
  return parsed.data;
}

/** Throws {@link TenantReplacedError} when the tenant of this id is another one by now. */
export function assertCaptured({ createdAt }: TenantSnapshot, tenant: Tenant): void {
  const actual = createdAtOf(tenant);
  if (createdAt !== undefined && createdAt !== actual) {
    throw new TenantReplacedError(tenant.id, createdAt, actual);
  }
}
