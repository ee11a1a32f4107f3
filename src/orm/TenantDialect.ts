/* oxlint-disable unicorn/no-thenable -- a promise has a `then` */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Driver, PostgresDialect, type PostgresDialectConfig, PostgresDriver } from 'kysely';

const outside = AsyncLocalStorage.snapshot();

/**
 * A promise that belongs to no request, nor does any that follows from it. In Node.js 22 a promise holds the async
 * context in which it was made.
 */
class ContextFreePromise<T> extends Promise<T> {
  // biome-ignore lint/suspicious/noThenProperty: a promise has it, and what it gives must be made outside as well
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return outside(() => super.then(onFulfilled, onRejected));
  }
}

/** Kysely keeps the promise of its driver's start as long as it lives, and starts in the first request of a tenant. */
class TenantPostgresDriver extends PostgresDriver {
  override init(...args: Parameters<PostgresDriver['init']>): Promise<void> {
    return outside(() => ContextFreePromise.resolve(super.init(...args)));
  }
}

/** Kysely's dialect over a tenant's pool, which keeps no request's objects alive. */
export class TenantDialect extends PostgresDialect {
  readonly #config: PostgresDialectConfig;

  constructor(config: PostgresDialectConfig) {
    super(config);
    this.#config = config;
  }

  override createDriver(): Driver {
    return new TenantPostgresDriver(this.#config);
  }
}
