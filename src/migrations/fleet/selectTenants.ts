import { TenancyConfigurationError, TenantNotFoundError } from '../../errors.ts';
import { serverOf, statusOf, type Tenant, type TenantStatus } from '../../tenant/Tenant.ts';
import { assertTenantId } from '../../tenant/tenantId.ts';
import type { CheckedSelection } from './FleetOptions.ts';

/** The catalogue, as far as a selection reads it. */
export interface TenantsToSelect<T extends Tenant> {
  find(id: string): Promise<T | undefined>;
  list(options?: { readonly after?: string; readonly limit?: number }): Promise<{
    readonly tenants: readonly T[];
    readonly next: string | undefined;
  }>;
}

/** Those with a database that is in use, or will be again. */
const MIGRATED: readonly TenantStatus[] = ['active', 'readonly', 'suspended', 'maintenance'];
const PAGE = 1_000;

/** The tenants of a selection, by ascending id. Rejects with `TenantNotFoundError` for an id that nobody has. */
export async function selectTenants<T extends Tenant>(
  catalog: TenantsToSelect<T>,
  { ids, status, server, where }: Omit<CheckedSelection, 'behind'>,
  servers: ReadonlySet<string>,
): Promise<T[]> {
  const stranger = listOf(server)?.find((name) => !servers.has(name));
  if (stranger !== undefined) {
    throw new TenancyConfigurationError(`\`server\` names "${stranger}", which the manager does not have.`);
  }
  const statuses = listOf(status) ?? (ids === undefined ? MIGRATED : undefined);
  const onServers = listOf(server);
  const isChosen = (tenant: T): boolean =>
    statuses?.includes(statusOf(tenant)) !== false &&
    onServers?.includes(serverOf(tenant)) !== false &&
    where?.(tenant) !== false;
  const chosen: T[] = [];
  for await (const tenant of ids === undefined ? all(catalog) : named(catalog, ids)) {
    if (isChosen(tenant)) {
      assertServer(tenant, servers);
      chosen.push(tenant);
    }
  }
  return chosen;
}

/** A run that cannot reach a tenant's server would wait for ever for somebody who can. */
function assertServer(tenant: Tenant, servers: ReadonlySet<string>): void {
  if (!servers.has(serverOf(tenant))) {
    throw new TenancyConfigurationError(
      `Tenant "${tenant.id}" is on server "${serverOf(tenant)}", which \`servers\` does not have. Select with \`server\`.`,
      { tenantId: tenant.id },
    );
  }
}

function listOf<V extends string>(value: V | readonly V[] | undefined): readonly string[] | undefined {
  return typeof value === 'string' ? [value] : value;
}

async function* all<T extends Tenant>(catalog: TenantsToSelect<T>): AsyncGenerator<T> {
  let after: string | undefined;
  do {
    const page = await catalog.list({ limit: PAGE, ...(after === undefined ? {} : { after }) });
    yield* page.tenants;
    after = page.next;
  } while (after !== undefined);
}

async function* named<T extends Tenant>(catalog: TenantsToSelect<T>, ids: readonly string[]): AsyncGenerator<T> {
  for (const id of [...new Set(ids)].sort()) {
    assertTenantId(id);
    const tenant = await catalog.find(id);
    if (tenant === undefined) {
      throw new TenantNotFoundError(id);
    }
    yield tenant;
  }
}
