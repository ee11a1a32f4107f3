import { type Driver, PostgresDialect, type PostgresDialectConfig, PostgresDriver } from 'kysely';
import { contextFree } from './contextFree.ts';

/** Kysely keeps the promise of its driver's start as long as it lives, and starts in the first request of a tenant. */
class TenantPostgresDriver extends PostgresDriver {
  override init(...args: Parameters<PostgresDriver['init']>): Promise<void> {
    return contextFree(() => super.init(...args));
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
