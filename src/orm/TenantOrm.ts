import type { MikroORM } from '@mikro-orm/postgresql';
import type { Clock } from '../connections/Clock.ts';
import type { Lent } from '../connections/TenantPool.ts';
import type { TenantPools } from '../connections/TenantPools.ts';
import { TenantClosedError } from '../errors.ts';
import type { CloseReason } from '../events.ts';
import type { Tenant } from '../tenant/Tenant.ts';
import { TenantLease, type TenantMikroORM } from './TenantLease.ts';

type State =
  | { readonly is: 'opening'; readonly orm: Promise<MikroORM> }
  | { readonly is: 'open'; readonly orm: MikroORM }
  | { readonly is: 'draining'; readonly orm: MikroORM | Promise<MikroORM>; readonly done: Promise<void> };

export interface TenantOrmParts<T extends Tenant> {
  readonly tenant: T;
  /** Which database it is, whatever becomes of `tenant`, which is the catalogue's object. */
  readonly place: string;
  readonly generation: number;
  readonly pool: TenantPools;
  readonly orm: MikroORM | Promise<MikroORM>;
  readonly manager: object;
  readonly clock: Clock;
  /** Hears of the first lease after a time without one, and of the last release. */
  readonly onUse: (handle: TenantOrm<T>, leased: boolean) => void;
}

/** One open tenant: its ORM, its pool, and who uses it. */
export class TenantOrm<T extends Tenant = Tenant> {
  #tenant: T;
  readonly place: string;
  readonly generation: number;
  readonly openedAt: number;
  readonly #parts: TenantOrmParts<T>;
  #leases = 0;
  #state: State;
  #onDrained: (() => void) | undefined;
  #closeBy = Number.POSITIVE_INFINITY;

  constructor(parts: TenantOrmParts<T>) {
    this.#parts = parts;
    this.#tenant = parts.tenant;
    this.place = parts.place;
    this.generation = parts.generation;
    this.openedAt = parts.clock.now();
    this.#state = parts.orm instanceof Promise ? { is: 'opening', orm: parts.orm } : { is: 'open', orm: parts.orm };
  }

  /** As it was when it was leased last. */
  get tenant(): T {
    return this.#tenant;
  }

  get leases(): number {
    return this.#leases;
  }

  /** Waits until the ORM is open. Every caller of one opening waits for the same. */
  async opened(): Promise<this> {
    if (this.#state.is === 'opening') {
      const { orm } = this.#state;
      const open = await orm;
      if (this.#state.is === 'opening') {
        this.#state = { is: 'open', orm: open };
      }
    }
    return this;
  }

  get isOpening(): boolean {
    return this.#state.is === 'opening';
  }

  /** Whether it is open and takes new leases. */
  get isOpen(): boolean {
    return this.#state.is === 'open';
  }

  /** A connection of its requests, beside its ORM. */
  connect(): Promise<Lent> {
    return this.#parts.pool.primary.connect();
  }

  /** A new lease, with the tenant as the catalogue knows it now. */
  lease(tenant: T): TenantLease<T> {
    if (this.#state.is !== 'open') {
      throw new TenantClosedError(tenant.id, 'it was evicted while it was being leased');
    }
    const orm = this.#state.orm as TenantMikroORM;
    this.#tenant = tenant;
    this.#leases += 1;
    if (this.#leases === 1) {
      this.#parts.onUse(this, true);
    }
    return new TenantLease(tenant, orm, this.#parts.manager, () => this.#release());
  }

  /** A lease calls this once. */
  #release(): void {
    this.#leases -= 1;
    if (this.#leases === 0) {
      this.#parts.onUse(this, false);
      this.#onDrained?.();
    }
  }

  /**
   * Takes no new lease, waits up to `timeoutMs` for the ones that exist, then closes the ORM; statements still under
   * way are cut off. Resolves within `timeoutMs` and what closing the sockets takes; never rejects. May be called
   * again, with less time.
   */
  close(reason: CloseReason, timeoutMs: number): Promise<void> {
    const { clock, pool } = this.#parts;
    this.#closeBy = Math.min(this.#closeBy, clock.now() + timeoutMs);
    if (this.#state.is !== 'draining') {
      const { orm } = this.#state;
      this.#state = { is: 'draining', orm, done: this.#drainAndClose(orm, reason) };
    }
    const { done } = this.#state;
    const cancel = clock.schedule(timeoutMs, () => {
      this.#onDrained?.();
      void pool.close(reason, 0);
    });
    return done.finally(cancel);
  }

  async #drainAndClose(orm: MikroORM | Promise<MikroORM>, reason: CloseReason): Promise<void> {
    const { clock, pool } = this.#parts;
    if (this.#leases > 0) {
      await new Promise<void>((resolve) => {
        this.#onDrained = resolve;
      });
    }
    await pool.close(reason, Math.max(0, this.#closeBy - clock.now()));
    try {
      // With the pool ended, MikroORM has nothing to wait for any more.
      await (await orm).close();
    } catch {
      // An ORM that could not be opened has nothing to close; who waited for it got the error.
    }
  }

  stats(): ReturnType<TenantPools['stats']> {
    return this.#parts.pool.stats();
  }
}
