import { EntityManager, type MikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql';
import type { Dialect, PostgresPool } from 'kysely';
import Cursor from 'pg-cursor';
import { TenantDialect } from './TenantDialect.ts';
import type { DriverClass } from './TenantDriver.ts';

/** What an ORM needs of its pool, whatever the database is. */
export interface OrmPool {
  /** What Kysely's dialect of PostgreSQL reads of a pool. */
  readonly options?: object;
  /** Lends what the dialect of the kind sends its statements on. */
  connect(): Promise<unknown>;
  end(): Promise<void>;
  /** Throws `TenantClosedError` once the pool has ended. */
  assertOpen(): void;
}

/** What MikroORM is given for one kind of database. */
export interface OrmKind {
  /** As messages call it. */
  readonly name: string;
  readonly driver: DriverClass;
  /** The class of EntityManagers where `orm.entityManager` names none. */
  readonly entityManager: unknown;
  /** How an ORM sends its statements on what `pool` lends. */
  readonly dialect: (pool: OrmPool) => Dialect;
  /** Throws `TenancyConfigurationError` for entities and options that this kind cannot keep apart. @default takes all */
  readonly assertOrm?: (orm: MikroORM) => void;
}

export const POSTGRESQL: OrmKind = Object.freeze({
  name: 'PostgreSQL',
  driver: PostgreSqlDriver,
  entityManager: EntityManager,
  dialect: (pool: OrmPool) => new TenantDialect({ pool: pool as unknown as PostgresPool, cursor: Cursor }),
});
