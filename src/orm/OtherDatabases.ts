import type { Platform } from '@mikro-orm/core';
import type { AbstractSqlDriver } from '@mikro-orm/postgresql';
import type { OpenDatabases } from '../connections/TenantDatabases.ts';
import type { TenancyEmitter } from '../events.ts';
import type { OrmKind } from './OrmKind.ts';

/** @internal How a manager gets at what `databases` gives it. */
export const OTHER_DATABASES: unique symbol = Symbol('mikro-orm-multitenancy.databases');

/** What a manager is given in place of PostgreSQL servers. */
export interface OtherDatabases<D extends AbstractSqlDriver = AbstractSqlDriver> {
  /** As messages call it: `SQLite`. */
  readonly kind: string;
  /** By which driver MikroORM reaches them. Only a type: it is never set. */
  readonly '~driver'?: D;
  /** @internal */
  readonly [OTHER_DATABASES]: OtherDatabasesParts;
}

/** What a kind of database brings along. */
export interface OtherDatabasesParts {
  readonly orm: OrmKind;
  /** Puts the databases at work for one manager, as its `platform` reads values. Connects to nothing. */
  open(events: TenancyEmitter, platform: Platform): OpenDatabases;
}

export function isOtherDatabases(value: unknown): value is OtherDatabases {
  return typeof value === 'object' && value !== null && OTHER_DATABASES in value;
}
