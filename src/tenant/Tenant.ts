import { TenancyConfigurationError } from '../errors.ts';
import { assertDatabaseName } from './databaseName.ts';
import { assertDomainName } from './domainName.ts';
import { assertTenantId } from './tenantId.ts';

/** Whether a tenant takes work. Only `active` and `readonly` tenants do. */
export const TENANT_STATUSES = Object.freeze([
  'provisioning',
  'active',
  'readonly',
  'suspended',
  'maintenance',
  'archived',
  'dropping',
  'failed',
] as const);

/** Whether a tenant takes work, and what becomes of requests for it. */
export type TenantStatus = (typeof TENANT_STATUSES)[number];

/** One customer, and where its data is. Catalogues return objects of this shape, with columns of their own beside. */
export interface Tenant {
  /** 1 to 63 characters of `a-z`, `0-9`, `-` and `_`; see {@link assertTenantId}. */
  readonly id: string;
  /** The name of the tenant's database, at most 63 bytes. */
  readonly database: string;
  /** Which of `servers` holds the database. @default 'default' */
  readonly server?: string | undefined;
  /** @default 'active' */
  readonly status?: TenantStatus | undefined;
  /** The tenant's own domains, lower case, the primary one first. @default [] */
  readonly domains?: readonly string[] | undefined;
}

export const DEFAULT_SERVER = 'default';

/** Checks one tenant at the edge, where it enters the library. Throws {@link TenancyConfigurationError}. */
export function assertTenant(tenant: Tenant): void {
  assertTenantId(tenant.id);
  assertDatabaseName(tenant.database, tenant.id);
  assertDomains(tenant);
  const status = statusOf(tenant);
  if (!TENANT_STATUSES.includes(status)) {
    throw new TenancyConfigurationError(
      `Tenant "${tenant.id}": the status ${JSON.stringify(status)} is none of ${TENANT_STATUSES.join(', ')}.`,
      { tenantId: tenant.id },
    );
  }
  const server: unknown = tenant.server ?? DEFAULT_SERVER;
  if (typeof server !== 'string' || server === '') {
    throw new TenancyConfigurationError(`Tenant "${tenant.id}": \`server\` must be the name of one of \`servers\`.`, {
      tenantId: tenant.id,
    });
  }
}

function assertDomains({ id, domains = [] }: Tenant): void {
  if (!Array.isArray(domains)) {
    throw new TenancyConfigurationError(`Tenant "${id}": \`domains\` must be a list of domain names.`, {
      tenantId: id,
    });
  }
  for (const domain of domains) {
    assertDomainName(domain);
    // What `byDomain` looks for is without it, unless nothing with a dot would remain.
    if (/^www\..+\./.test(domain)) {
      throw new TenancyConfigurationError(
        `Tenant "${id}": leave out "www." of ${domain}; requests to it are those of the domain below.`,
        { tenantId: id },
      );
    }
  }
}

export function statusOf(tenant: Tenant): TenantStatus {
  return tenant.status ?? 'active';
}

export function serverOf(tenant: Tenant): string {
  return tenant.server ?? DEFAULT_SERVER;
}

/**
 * When the tenant was created, in ISO 8601, where its catalogue keeps a `createdAt`. An id can be given away again once its
 * tenant was dropped; this tells the two apart.
 */
export function createdAtOf(tenant: Tenant): string | undefined {
  const time = createdTimeOf(tenant);
  return time === undefined ? undefined : new Date(time).toISOString();
}

/** The same in milliseconds since 1970, for what is asked in each request. */
export function createdTimeOf(tenant: Tenant): number | undefined {
  const { createdAt } = tenant as { readonly createdAt?: unknown };
  const time = createdAt instanceof Date ? createdAt.getTime() : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
