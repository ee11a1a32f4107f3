import { StaticCatalog } from '../catalog/StaticCatalog.ts';
import type { ListOptions, TenantCatalog, TenantPage } from '../catalog/TenantCatalog.ts';
import type { Tenant } from '../tenant/Tenant.ts';

/** A catalogue in memory whose tenants come and go. */
export class TestCatalog implements TenantCatalog<Tenant> {
  #tenants: readonly Tenant[] = [];
  #catalog = new StaticCatalog<Tenant>([]);

  /** Throws `TenancyConfigurationError` for an id, a database or a domain that is there already. */
  add(tenant: Tenant): void {
    this.#replace([...this.#tenants, tenant]);
  }

  remove(id: string): void {
    this.#replace(this.#tenants.filter((tenant) => tenant.id !== id));
  }

  find(id: string): Promise<Tenant | undefined> {
    return this.#catalog.find(id);
  }

  findByDomain(domain: string): Promise<Tenant | undefined> {
    return this.#catalog.findByDomain(domain);
  }

  list(options?: ListOptions): Promise<TenantPage<Tenant>> {
    return this.#catalog.list(options);
  }

  #replace(tenants: readonly Tenant[]): void {
    this.#catalog = new StaticCatalog(tenants);
    this.#tenants = tenants;
  }
}
