import type { CatalogChange, CatalogChangeBatch, CatalogChanges, ListOptions, Tenant } from 'mikro-orm-multitenancy';
import { StaticCatalog, type TenantCatalog } from 'mikro-orm-multitenancy';

/** A catalogue whose tenants the test changes, which counts what it is asked and fails when it is told to. */
export class MutableCatalog implements TenantCatalog {
  readonly asked = { find: 0, findByDomain: 0, findMany: 0 };
  failure: Error | undefined;
  failureOfFindMany: Error | undefined;
  /** What changed, in order. */
  readonly log: CatalogChange[] = [];
  #tenants: ReadonlyMap<string, Tenant>;

  constructor(tenants: readonly Tenant[]) {
    this.#tenants = new Map(tenants.map((tenant) => [tenant.id, tenant]));
  }

  set(tenant: Tenant): void {
    this.#tenants = new Map([...this.#tenants, [tenant.id, tenant]]);
    this.log.push({ id: tenant.id, domains: tenant.domains ?? [] });
  }

  delete(id: string): void {
    this.#tenants = new Map([...this.#tenants].filter(([other]) => other !== id));
    this.log.push({ id, domains: undefined });
  }

  all(): readonly CatalogChange[] {
    return [...this.#tenants.values()].map(({ id, domains }) => ({ id, domains: domains ?? [] }));
  }

  async find(id: string): Promise<Tenant | undefined> {
    this.asked.find += 1;
    return this.#now().find(id);
  }

  async findByDomain(domain: string): Promise<Tenant | undefined> {
    this.asked.findByDomain += 1;
    return this.#now().findByDomain(domain);
  }

  async findMany(ids: readonly string[]): Promise<readonly Tenant[]> {
    this.asked.findMany += 1;
    if (this.failureOfFindMany !== undefined) {
      throw this.failureOfFindMany;
    }
    const found = await Promise.all(ids.map((id) => this.#now().find(id)));
    return found.filter((tenant) => tenant !== undefined);
  }

  async list(options?: ListOptions) {
    return this.#now().list(options);
  }

  #now(): StaticCatalog {
    if (this.failure !== undefined) {
      throw this.failure;
    }
    return new StaticCatalog([...this.#tenants.values()]);
  }
}

/** The changes of a {@link MutableCatalog}. */
export class FakeChanges implements CatalogChanges {
  reads = 0;
  holds = 0;
  isClosed = false;
  wake: () => void = () => {};
  readonly #source: MutableCatalog;
  #position: number | undefined;

  constructor(source: MutableCatalog) {
    this.#source = source;
  }

  async read(): Promise<CatalogChangeBatch> {
    this.reads += 1;
    const { failure, log } = this.#source;
    const position = this.#position;
    const changes = position === undefined ? this.#source.all() : log.slice(position);
    const end = log.length;
    await Promise.resolve();
    if (failure !== undefined) {
      throw failure;
    }
    this.#position = end;
    return { changes, isComplete: position === undefined };
  }

  onWake(wake: () => void): void {
    this.wake = wake;
  }

  hold(): () => void {
    this.holds += 1;
    return () => {
      this.holds -= 1;
    };
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}
