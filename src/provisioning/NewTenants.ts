import type { NewTenant } from '../catalog/TenantStore.ts';
import { TenancyConfigurationError, TenantConflictError } from '../errors.ts';
import { assertDatabaseName } from '../tenant/databaseName.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { assertTenantId } from '../tenant/tenantId.ts';
import type { LifeParts } from './LifeParts.ts';
import { placeTenant } from './placement.ts';
import { WHOLE } from './steps/archiveSteps.ts';

/** What becomes of a new tenant is chosen here, before anything is there: its server, its database, its role. */
export class NewTenants<T extends Tenant> {
  readonly #parts: LifeParts<T>;

  constructor(parts: LifeParts<T>) {
    this.#parts = parts;
  }

  /** Throws where the tenant cannot be, or is there already. */
  async dataOf(tenant: NewTenant<T>, region: string | undefined) {
    const { roles, names, templates } = this.#parts;
    const { id } = this.#checked(tenant);
    await this.#assertNew(id);
    const place = await this.#place(tenant, region);
    return {
      ...place,
      ...{ made: names.made(), isSpare: false, mayBeSpare: false },
      role: roles?.nameFor(id) ?? null,
      template: await templates.get(place.server)?.hash(),
    };
  }

  /** The central database finds out by itself, when the row is written. */
  async #assertNew(id: string): Promise<void> {
    if (this.#parts.central === undefined && (await this.#parts.catalog.find(id)) !== undefined) {
      throw new TenantConflictError(id, 'the id');
    }
  }

  #checked(tenant: NewTenant<T>): { readonly id: string } {
    const { id, status } = tenant as NewTenant<Tenant>;
    assertTenantId(id);
    if (status !== undefined && !WHOLE.includes(status)) {
      throw new TenancyConfigurationError(`Tenant "${id}" cannot begin as ${JSON.stringify(status)}.`, {
        tenantId: id,
      });
    }
    return { id };
  }

  async #place(
    tenant: NewTenant<T>,
    region: string | undefined,
  ): Promise<{ readonly server: string; readonly database: string }> {
    const { options, admins, names } = this.#parts;
    const { id, database = options.databaseName(id), server } = tenant as NewTenant<Tenant>;
    assertDatabaseName(database, id);
    if (database.startsWith(names.prefix)) {
      throw new TenancyConfigurationError(
        `Tenant "${id}": "${names.prefix}" begins the names of this library's own databases.`,
        { tenantId: id },
      );
    }
    if (server !== undefined && !admins.has(server)) {
      throw new TenancyConfigurationError(
        `Tenant "${id}": the server "${server}" is none of \`servers\` (${[...admins.keys()].join(', ')}).`,
        { tenantId: id },
      );
    }
    return { database, server: server ?? (await this.#serverFor(id, region)) };
  }

  async #serverFor(id: string, region: string | undefined): Promise<string> {
    const { options, admins, central } = this.#parts;
    const servers = [...admins.keys()];
    if (servers.length > 1 && central === undefined && options.placement.choose === undefined) {
      throw new TenancyConfigurationError(
        `Tenant "${id}": name its \`server\`, or give \`placement.choose\`: without a central database nobody knows how full they are.`,
        { tenantId: id },
      );
    }
    if (servers.length === 1 && options.placement.choose === undefined && options.placement.servers === undefined) {
      return servers[0] as string;
    }
    const rows = await central?.sql<{ server: string; count: number }>(
      'select server, count(*)::int as count from tenancy_tenants group by server',
      [],
    );
    const tenants = new Map(rows?.map((row) => [row.server, row.count]));
    return placeTenant({ id, region, options: options.placement, servers, tenants });
  }
}
