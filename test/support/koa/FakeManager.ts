import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter, once } from 'node:events';
import { StaticCatalog } from '../../../src/catalog/StaticCatalog.ts';
import type { TenantCatalog } from '../../../src/catalog/TenantCatalog.ts';
import { TenancyEmitter, type TenancyEvents } from '../../../src/events.ts';
import type { TenancyLease, TenancyManager } from '../../../src/koa/index.ts';
import type { Tenant } from '../../../src/tenant/Tenant.ts';
import { unavailabilityOf } from '../../../src/tenant/unavailabilityOf.ts';

/** A manager without a database: it counts leases, and holds an acquisition up or lets it fail when told to. */
export class FakeManager implements TenancyManager {
  readonly catalog: TenantCatalog;
  readonly events = new TenancyEmitter();
  readonly refusals: TenancyEvents['resolution:refused'][] = [];
  /** Emits `released`. */
  readonly steps = new EventEmitter();
  /** The domains and ids that were looked up. */
  readonly lookUps: string[] = [];
  readonly hasCentral = true;
  /** A central database, of which only the context is there. */
  readonly central = {
    run: async <R>(work: () => R | Promise<R>): Promise<R> => this.#central.run(true, work),
  };
  acquired = 0;
  released = 0;
  /** Runs before a lease is given. */
  beforeLease: () => Promise<void> = async () => {};
  onRelease: () => void = () => {};
  readonly #context = new AsyncLocalStorage<Tenant>();
  readonly #central = new AsyncLocalStorage<true>();

  constructor(tenants: readonly Tenant[]) {
    const catalog = new StaticCatalog(tenants);
    this.catalog = {
      find: (id) => this.#lookUp(id, catalog.find(id)),
      findByDomain: (domain) => this.#lookUp(domain, catalog.findByDomain(domain)),
      list: (options) => catalog.list(options),
    };
    this.events.on('resolution:refused', (refusal) => this.refusals.push(refusal));
  }

  #lookUp<R>(name: string, found: R): R {
    this.lookUps.push(name);
    return found;
  }

  /** Whether the async context has the central database's fork. */
  isCentral(): boolean {
    return this.#central.getStore() === true;
  }

  /** The tenant of the async context. */
  currentTenant(): Tenant | undefined {
    return this.#context.getStore();
  }

  async acquire(id: string): Promise<TenancyLease> {
    const tenant = await this.catalog.find(id);
    if (tenant === undefined) {
      throw new Error(`FakeManager: acquire("${id}") of a tenant that does not exist`);
    }
    const unavailability = unavailabilityOf(tenant);
    if (unavailability !== undefined) {
      throw unavailability;
    }
    await this.beforeLease();
    this.acquired += 1;
    return this.#lease(tenant);
  }

  /** Resolves when as many leases were released as were acquired. */
  async allReleased(): Promise<void> {
    while (this.released < this.acquired) {
      await once(this.steps, 'released');
    }
  }

  #lease(tenant: Tenant): TenancyLease {
    let isReleased = false;
    return {
      tenant,
      run: async (work) => this.#context.run(tenant, work),
      release: () => {
        if (isReleased) {
          throw new Error('FakeManager: a lease was released twice');
        }
        isReleased = true;
        this.released += 1;
        this.steps.emit('released');
        this.onRelease();
      },
    };
  }
}
