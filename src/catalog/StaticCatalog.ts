import { TenancyConfigurationError } from '../errors.ts';
import { assertTenant, serverOf, type Tenant } from '../tenant/Tenant.ts';
import { pageLimit } from './pageLimit.ts';
import type { ListOptions, TenantCatalog, TenantPage } from './TenantCatalog.ts';

/**
 * A catalogue of tenants that are known when the program starts. It keeps frozen copies, and refuses two tenants with
 * one id, one database or one domain with a {@link TenancyConfigurationError}.
 */
export class StaticCatalog<T extends Tenant = Tenant> implements TenantCatalog<T> {
  readonly #byId: ReadonlyMap<string, T>;
  readonly #byDomain: ReadonlyMap<string, T>;
  readonly #inOrder: readonly T[];

  constructor(tenants: readonly T[]) {
    const copies = tenants.map(frozenCopy);
    this.#byId = unique(copies, 'id', (tenant) => [tenant.id]);
    unique(copies, 'database', (tenant) => [JSON.stringify([serverOf(tenant), tenant.database])]);
    this.#byDomain = unique(copies, 'domain', (tenant) => tenant.domains ?? []);
    this.#inOrder = copies.sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  async find(id: string): Promise<T | undefined> {
    return this.#byId.get(id);
  }

  async findByDomain(domain: string): Promise<T | undefined> {
    return this.#byDomain.get(domain);
  }

  async list(options: ListOptions = {}): Promise<TenantPage<T>> {
    const limit = pageLimit(options);
    const { after } = options;
    const rest = after === undefined ? this.#inOrder : this.#inOrder.filter((tenant) => tenant.id > after);
    const page = rest.slice(0, limit);
    return { tenants: page, next: rest.length > limit ? page.at(-1)?.id : undefined };
  }
}

function frozenCopy<T extends Tenant>(tenant: T): T {
  assertTenant(tenant);
  const copy = { ...tenant };
  return Object.freeze(tenant.domains === undefined ? copy : { ...copy, domains: Object.freeze([...tenant.domains]) });
}

function unique<T extends Tenant>(tenants: readonly T[], what: string, keysOf: (tenant: T) => readonly string[]) {
  const owners = new Map<string, T>();
  for (const tenant of tenants) {
    for (const key of keysOf(tenant)) {
      const owner = owners.get(key);
      if (owner !== undefined) {
        throw new TenancyConfigurationError(
          `The ${what} ${key} is given twice: to tenant "${owner.id}" and to tenant "${tenant.id}". ` +
            `Give each tenant a ${what} of its own.`,
          { tenantId: tenant.id },
        );
      }
      owners.set(key, tenant);
    }
  }
  return owners;
}
