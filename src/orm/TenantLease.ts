import type { ForkOptions, MikroORM } from '@mikro-orm/core';
import type { AbstractSqlDriver, EntityManager, SqlEntityManager } from '@mikro-orm/postgresql';
import { enterTenantContext, type TenantCaller } from '../context/TenantContext.ts';
import { LeaseReleasedError } from '../errors.ts';
import { TRACING, type TracedManager } from '../observability/Tracing.ts';
import type { Tenant } from '../tenant/Tenant.ts';

/** Options of one run in a tenant's context. */
export interface RunOptions {
  /** MikroORM's own options of the fork. */
  readonly fork?: Omit<ForkOptions, 'useContext' | 'disableContextResolution' | 'signal'>;
  /** Aborts waiting for the tenant and for its connections, and the statements of the fork. A nested run has its own. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Whose `signal` aborts waiting for connections and nothing else. It is read only when the work has to wait, so that a
   * getter may make it then. @default that of `signal`
   */
  readonly caller?: Pick<TenantCaller, 'signal'> | undefined;
}

const FORK: ForkOptions = Object.freeze({
  // A subscriber that a request registers on its fork stays with that request.
  cloneEventManager: true,
  useContext: true,
  disableContextResolution: true,
});

function forkOptionsOf({ fork, signal }: RunOptions): ForkOptions {
  if (fork === undefined && signal === undefined) {
    return FORK;
  }
  return {
    cloneEventManager: true,
    ...fork,
    ...(signal && { signal }),
    useContext: true,
    disableContextResolution: true,
  };
}

/** Work in a tenant's context: its fork, which is also the current EntityManager, and the tenant. */
export type TenantWork<R, T extends Tenant = Tenant, EM extends SqlEntityManager = EntityManager> = (
  em: EM,
  tenant: T,
) => R | Promise<R>;

/** The driver of an EntityManager. */
type DriverOf<EM extends SqlEntityManager> = EM extends SqlEntityManager<infer D> ? D : AbstractSqlDriver;

/** A tenant's MikroORM, whose EntityManager is of the application's type. */
export type TenantMikroORM<EM extends SqlEntityManager = EntityManager> = MikroORM<DriverOf<EM>> & { em: EM };

/** The hold on one open tenant. Its ORM is not closed before the lease is released. */
export class TenantLease<T extends Tenant = Tenant, EM extends SqlEntityManager = EntityManager> {
  readonly tenant: T;
  readonly #orm: TenantMikroORM<EM>;
  readonly #manager: object;
  readonly #onRelease: () => void;
  #released = false;

  /** @internal */
  constructor(tenant: T, orm: TenantMikroORM<EM>, manager: object, onRelease: () => void) {
    this.tenant = tenant;
    this.#orm = orm;
    this.#manager = manager;
    this.#onRelease = onRelease;
  }

  /** The tenant's MikroORM. Throws `LeaseReleasedError` after the release. */
  get orm(): TenantMikroORM<EM> {
    this.#assertHeld('`orm` was used after `release()`.');
    return this.#orm;
  }

  /** Runs `work` in the tenant's context, on a fork of its own. The lease goes on. */
  async run<R>(work: TenantWork<R, T, EM>, options: RunOptions = {}): Promise<R> {
    const em = this.orm.em.fork(forkOptionsOf(options)) as EM;
    const { signal, caller = signal && { signal, emHasSignal: true } } = options;
    const context = { tenant: this.tenant, em, manager: this.#manager, caller };
    const tracing = (this.#manager as TracedManager)[TRACING];
    if (tracing?.isWatched('run') !== true) {
      return enterTenantContext(context, () => work(em, this.tenant));
    }
    const watched = async (): Promise<R> => enterTenantContext(context, () => work(em, this.tenant));
    return tracing.trace('run', this.tenant.id, watched);
  }

  /** Ends the lease. Throws `LeaseReleasedError` when it has ended already. */
  release(): void {
    this.#assertHeld('`release()` was called twice.');
    this.#released = true;
    this.#onRelease();
  }

  /** Ends the lease if it has not ended, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#released) {
      this.release();
    }
  }

  #assertHeld(otherwise: string): void {
    if (this.#released) {
      throw new LeaseReleasedError(this.tenant.id, otherwise);
    }
  }
}
