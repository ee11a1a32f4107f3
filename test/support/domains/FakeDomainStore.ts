import { type DomainStore, type NewDomainOptions, type Tenant, TenantConflictError } from 'mikro-orm-multitenancy';

interface Row {
  readonly tenantId: string;
  readonly verifiedAt: Date | undefined;
}

/** The domains of a `TenantStore`, in memory. */
export class FakeDomainStore implements DomainStore {
  readonly #ids: ReadonlySet<string>;
  readonly #rows = new Map<string, Row>();

  constructor(ids: readonly string[]) {
    this.#ids = new Set(ids);
  }

  /** Whose each domain is. */
  domains(): Record<string, string> {
    return Object.fromEntries(
      [...this.#rows].map(([domain, { tenantId, verifiedAt }]) => [
        domain,
        `${tenantId}, ${verifiedAt === undefined ? 'not ' : ''}verified`,
      ]),
    );
  }

  async findDomain(domain: string) {
    const row = this.#rows.get(domain);
    return row === undefined ? undefined : { ...row, domain, isPrimary: false };
  }

  async addDomain(id: string, domain: string, options: NewDomainOptions = {}): Promise<Tenant> {
    if (this.#rows.has(domain)) {
      throw new TenantConflictError(id, domain);
    }
    this.#rows.set(domain, { tenantId: id, verifiedAt: options.isVerified === true ? new Date() : undefined });
    return this.#tenant(id);
  }

  async verifyDomain(id: string, domain: string): Promise<Tenant> {
    this.#assertOf(id, domain);
    this.#rows.set(domain, { tenantId: id, verifiedAt: new Date() });
    return this.#tenant(id);
  }

  async removeDomain(id: string, domain: string): Promise<Tenant> {
    this.#assertOf(id, domain);
    this.#rows.delete(domain);
    return this.#tenant(id);
  }

  #assertOf(id: string, domain: string): void {
    if (this.#rows.get(domain)?.tenantId !== id) {
      throw new Error(`FakeDomainStore: ${domain} is not of ${id}`);
    }
  }

  #tenant(id: string): Tenant {
    if (!this.#ids.has(id)) {
      throw new Error(`FakeDomainStore: there is no tenant ${id}`);
    }
    const own = [...this.#rows].filter(([, row]) => row.tenantId === id && row.verifiedAt !== undefined);
    return { id, database: id, domains: own.map(([domain]) => domain) };
  }
}
