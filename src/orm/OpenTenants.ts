import { randomBytes } from 'node:crypto';
import { Backoff } from '../connections/Backoff.ts';
import { systemClock } from '../connections/Clock.ts';
import type { TenantDatabases } from '../connections/TenantDatabases.ts';
import type { EntityOwner } from '../context/OwnerGuard.ts';
import { currentContext } from '../context/TenantContext.ts';
import { TenantOpenError } from '../errors.ts';
import type { CloseReason, TenancyEmitter } from '../events.ts';
import { assertTenant, createdTimeOf, serverOf, statusOf, type Tenant } from '../tenant/Tenant.ts';
import { unavailabilityOf } from '../tenant/unavailabilityOf.ts';
import { type EvictionLimits, EvictionPolicy } from './EvictionPolicy.ts';
import type { OrmTemplate } from './OrmTemplate.ts';
import { TenantOrm } from './TenantOrm.ts';

/** How long statements of a tenant that nobody leases may go on when it is closed. */
const GRACE_MS = 5_000;
/** How long leases on a database that the catalogue has moved away from may go on. */
const MOVED_GRACE_MS = 10_000;

export interface OpenTenantsParts {
  readonly template: OrmTemplate;
  readonly databases: TenantDatabases;
  readonly events: TenancyEmitter;
  readonly limits: EvictionLimits;
  /** How many turns a tenant takes for a connection to another one's one. */
  readonly weightOf: (tenant: Tenant) => number;
  /** Whose context the leases enter. */
  readonly manager: object;
}

export interface OpenTenantsStats {
  readonly handles: { readonly open: number; readonly opening: number; readonly leased: number };
  readonly leases: number;
}

/** To whom one ORM belongs: its owner, and a context name that no other ORM of the process has. */
export interface OrmPlace {
  readonly owner: EntityOwner;
  readonly contextName: string;
}

/** The tenants that are open now: one ORM each, opened once however many ask, closed when its time has come. */
export class OpenTenants<T extends Tenant> {
  readonly #parts: OpenTenantsParts;
  readonly #handles = new Map<string, TenantOrm<T>>();
  readonly #closing = new Set<TenantOrm<T>>();
  readonly #backoffs = new Map<string, Backoff>();
  readonly #owners = new Map<string, EntityOwner & { readonly place: string }>();
  readonly #eviction: EvictionPolicy<TenantOrm<T>>;
  /** Tells the ORMs of this manager from those of another in the same process. */
  readonly #serial = randomBytes(4).toString('hex');
  readonly #refused: EntityOwner['refused'];
  #generation = 0;

  constructor(parts: OpenTenantsParts) {
    this.#parts = parts;
    this.#eviction = new EvictionPolicy(parts.limits, (handle, reason) => {
      void this.#close(handle, reason, GRACE_MS);
    });
    this.#refused = (entity, { tenantId: ownerTenantId }) => {
      const tenantId = currentContext()?.tenant.id ?? '';
      parts.events.emit('tenant:wrong-entity', { tenantId, entity, ownerTenantId });
    };
  }

  /** The open tenant, opened now if it was not. Throws or rejects with `TenantOpenError`. */
  get(tenant: T): TenantOrm<T> {
    const existing = this.#handles.get(tenant.id);
    if (existing !== undefined) {
      if (existing.place === this.#placeOf(tenant)) {
        return existing;
      }
      // The catalogue moved the tenant, or made it read-only: whoever holds the old place finishes there.
      void this.#close(existing, 'moved', MOVED_GRACE_MS);
    }
    return this.#open(tenant);
  }

  /**
   * Tenants changed in the catalogue: those that are gone, that take no work any more, or whose place is another one are
   * closed. What is under way in them has 10 seconds. A failure to look one up changes nothing; the next `get` asks again.
   */
  reconsider(ids: readonly string[], find: (id: string) => Promise<T | undefined>): void {
    for (const id of ids) {
      const handle = this.#handles.get(id);
      if (handle !== undefined) {
        find(id).then(
          (tenant) => this.#reconsider(handle, tenant),
          () => {},
        );
      }
    }
  }

  #reconsider(handle: TenantOrm<T>, tenant: T | undefined): void {
    const reason = tenant === undefined ? 'deleted' : this.#reasonToClose(handle, tenant);
    if (reason !== undefined) {
      void this.#close(handle, reason, MOVED_GRACE_MS);
    }
  }

  /** Work that a status was allowed for by name goes on as long as that is the status. */
  #reasonToClose(handle: TenantOrm<T>, tenant: T): CloseReason | undefined {
    const isNew = statusOf(tenant) !== statusOf(handle.tenant);
    if (isNew && unavailabilityOf(tenant) !== undefined) {
      return 'unavailable';
    }
    return handle.place === this.#placeOf(tenant) ? undefined : 'moved';
  }

  /** Closes one tenant, and waits for what is closing of it already. Resolves to whether it was open. */
  async close(id: string, reason: CloseReason, timeoutMs: number): Promise<boolean> {
    const handle = this.#handles.get(id);
    const closing = [...this.#closing].filter(({ tenant }) => tenant.id === id);
    await Promise.all([handle ?? [], closing].flat().map((one) => this.#close(one, reason, timeoutMs)));
    return handle !== undefined;
  }

  /** Closes every tenant, and waits for those that are closing already. */
  async closeAll(reason: CloseReason, timeoutMs: number): Promise<void> {
    const all = [...this.#handles.values(), ...this.#closing];
    await Promise.all(all.map((handle) => this.#close(handle, reason, timeoutMs)));
    this.#eviction.stop();
  }

  /** A place for an ORM of this tenant beside the open one, for a migration. */
  placeFor(tenant: T, purpose: string): OrmPlace {
    assertTenant(tenant);
    this.#generation += 1;
    const contextName = `${purpose}:${tenant.id}#${this.#generation}@${this.#serial}`;
    return { owner: this.#ownerOf(tenant), contextName };
  }

  stats(): OpenTenantsStats {
    const handles = { open: 0, opening: 0, leased: 0 };
    let leases = 0;
    for (const handle of this.#handles.values()) {
      handles[handle.isOpening ? 'opening' : 'open'] += 1;
      handles.leased += handle.leases > 0 ? 1 : 0;
      leases += handle.leases;
    }
    return { handles, leases };
  }

  #open(tenant: T): TenantOrm<T> {
    const { id } = tenant;
    const pending = this.#backoffs.get(id)?.pending;
    if (pending !== undefined) {
      throw new TenantOpenError(id, pending.retryInMs, { cause: pending.error });
    }
    const startedAt = systemClock.now();
    const { owner, contextName } = this.placeFor(tenant, 'tenant');
    const generation = this.#generation;
    const { template, manager, events, databases, weightOf } = this.#parts;
    const pool = databases.poolsOf({
      tenant,
      weight: weightOf(tenant),
      onEnd: () => this.#endedOutside(id, generation),
      graceMs: () => GRACE_MS,
      caller: () => currentContext()?.caller,
    });
    const failed = (error: unknown): TenantOpenError => this.#openingFailed(id, generation, error);
    const orm = openOrFail(
      () => template.open({ tenant, owner, contextName, pool: pool.primary, replicas: pool.replicas }),
      failed,
    );
    const handle = new TenantOrm<T>({
      tenant,
      place: this.#placeOf(tenant),
      generation,
      pool,
      orm,
      manager,
      clock: systemClock,
      onUse: (used, leased) => (leased ? this.#eviction.leased(used) : this.#released(used)),
    });
    this.#handles.set(id, handle);
    const opened = (): void => {
      this.#backoffs.delete(id);
      if (this.#handles.get(id) === handle) {
        // Whoever asked for it may have given up meanwhile.
        this.#eviction.opened(handle);
      }
      events.emit('tenant:opened', { tenantId: id, generation, tookMs: systemClock.now() - startedAt });
    };
    if (handle.isOpening) {
      // Whoever waits for the opening is told of its failure.
      handle.opened().then(opened, () => {});
    } else {
      opened();
    }
    return handle;
  }

  #openingFailed(id: string, generation: number, error: unknown): TenantOpenError {
    if (this.#handles.get(id)?.generation === generation) {
      this.#handles.delete(id);
    }
    const backoff = this.#backoffs.get(id) ?? new Backoff(systemClock);
    this.#backoffs.set(id, backoff);
    const retryInMs = backoff.fail(error);
    this.#parts.events.emit('tenant:open-failed', { tenantId: id, error, retryInMs });
    return new TenantOpenError(id, retryInMs, { cause: error });
  }

  #released(handle: TenantOrm<T>): void {
    if (this.#handles.get(handle.tenant.id) === handle) {
      this.#eviction.released(handle);
    }
  }

  /** The application closed the tenant's ORM itself; the next run opens a new one. */
  #endedOutside(id: string, generation: number): void {
    const handle = this.#handles.get(id);
    if (handle?.generation === generation) {
      void this.#close(handle, 'closed by the application', GRACE_MS);
    }
  }

  async #close(handle: TenantOrm<T>, reason: CloseReason, timeoutMs: number): Promise<void> {
    const { id } = handle.tenant;
    if (this.#handles.get(id) === handle) {
      this.#handles.delete(id);
    }
    this.#eviction.forget(handle);
    this.#closing.add(handle);
    await handle.close(reason, timeoutMs);
    if (this.#closing.delete(handle)) {
      const openForMs = systemClock.now() - handle.openedAt;
      this.#parts.events.emit('tenant:evicted', { tenantId: id, reason, openForMs });
    }
  }

  /** One owner for all generations of a tenant's ORM, as long as its database is the same. */
  #ownerOf(tenant: T): EntityOwner {
    const place = databaseOf(tenant);
    let owner = this.#owners.get(tenant.id);
    if (owner?.place !== place) {
      owner = { tenantId: tenant.id, label: `tenant "${tenant.id}"`, refused: this.#refused, place };
      this.#owners.set(tenant.id, owner);
    }
    return owner;
  }

  /**
   * What a tenant's ORM is bound to: its database, the settings of its sessions, and when the tenant was created, for one
   * that comes after a drop may have the same id and database.
   */
  #placeOf(tenant: T): string {
    return `${databaseOf(tenant)} ${this.#parts.databases.sessionKeyOf(tenant)} ${createdTimeOf(tenant) ?? ''}`;
  }
}

function openOrFail<R>(open: () => R | Promise<R>, failed: (error: unknown) => Error): R | Promise<R> {
  try {
    const opening = open();
    return opening instanceof Promise
      ? opening.catch((error: unknown) => {
          throw failed(error);
        })
      : opening;
  } catch (error) {
    throw failed(error);
  }
}

/** Which database a tenant's data is in. Names hold no control characters, so that no two places read the same. */
function databaseOf(tenant: Tenant): string {
  return `${serverOf(tenant)}\n${tenant.database}`;
}
