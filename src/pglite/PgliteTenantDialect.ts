import { type Driver, PostgresAdapter, PostgresDialect, type PostgresPool, type TransactionSettings } from 'kysely';
import { PooledDriver } from '../databases/PooledDriver.ts';
import type { OrmPool } from '../orm/OrmKind.ts';

/** Kysely's dialect of PostgreSQL over the pool of a tenant's PGlite. */
export class PgliteTenantDialect extends PostgresDialect {
  readonly #pool: OrmPool;

  constructor(pool: OrmPool) {
    // Its driver is another one, and asks nothing of it.
    super({ pool: pool as unknown as PostgresPool });
    this.#pool = pool;
  }

  override createDriver(): Driver {
    return new PooledDriver(this.#pool, { begin }) as Driver;
  }

  override createAdapter(): PostgresAdapter {
    return new PostgresAdapter();
  }
}

function begin({ isolationLevel, accessMode }: TransactionSettings): readonly string[] {
  return [['begin', isolationLevel && `isolation level ${isolationLevel}`, accessMode].filter(Boolean).join(' ')];
}
