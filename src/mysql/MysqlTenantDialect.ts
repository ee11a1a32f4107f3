import { type Driver, MysqlDialect, type MysqlPool, type TransactionSettings } from 'kysely';
import { PooledDriver } from '../databases/PooledDriver.ts';
import type { OrmPool } from '../orm/OrmKind.ts';
import { quoteByBackticks } from '../tenant/databaseName.ts';

/** Kysely's dialect of MySQL over a tenant's pool, which keeps no request's objects alive. */
export class MysqlTenantDialect extends MysqlDialect {
  readonly #pool: OrmPool;

  constructor(pool: OrmPool) {
    // Its driver is another one, and asks nothing of it.
    super({ pool: pool as unknown as MysqlPool });
    this.#pool = pool;
  }

  override createDriver(): Driver {
    return new PooledDriver(this.#pool, { begin, quote: quoteByBackticks }) as Driver;
  }
}

function begin({ isolationLevel, accessMode }: TransactionSettings): readonly string[] {
  // The level is that of the next transaction only.
  const level = isolationLevel === undefined ? [] : [`set transaction isolation level ${isolationLevel}`];
  return [...level, accessMode === undefined ? 'begin' : `start transaction ${accessMode}`];
}
