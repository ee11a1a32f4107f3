import type { CatalogChange } from './CatalogChanges.ts';

const NONE: readonly string[] = Object.freeze([]);

/**
 * Every id and every domain of the catalogue, and nothing else of it. With it a name that nobody has is known to be
 * nobody's without a query, be it one of a million, and no memory is spent on it; tenants are kept in full only while
 * they are used. 100,000 tenants with a domain each take some 30 MB (`bench/manyTenants.ts`).
 */
export class CatalogIndex {
  #domainsOf = new Map<string, readonly string[]>();
  #byDomain = new Map<string, string>();

  get size(): number {
    return this.#domainsOf.size;
  }

  has(id: string): boolean {
    return this.#domainsOf.has(id);
  }

  /** The id of the tenant to which the domain leads. */
  idOf(domain: string): string | undefined {
    return this.#byDomain.get(domain);
  }

  apply({ id, domains }: CatalogChange): void {
    for (const domain of this.#domainsOf.get(id) ?? NONE) {
      // It may have moved to another tenant by an earlier change of the same batch.
      if (this.#byDomain.get(domain) === id) {
        this.#byDomain.delete(domain);
      }
    }
    if (domains === undefined) {
      this.#domainsOf.delete(id);
      return;
    }
    this.#domainsOf.set(id, domains.length === 0 ? NONE : domains);
    for (const domain of domains) {
      this.#byDomain.set(domain, id);
    }
  }

  /** Takes these for all tenants. Gives the ids that are gone. */
  replace(all: readonly CatalogChange[]): readonly string[] {
    const before = this.#domainsOf;
    this.#domainsOf = new Map();
    this.#byDomain = new Map();
    for (const change of all) {
      this.apply(change);
    }
    return [...before.keys()].filter((id) => !this.#domainsOf.has(id));
  }
}
