import { AsyncLocalStorage } from 'node:async_hooks';
import { Kysely, PostgresDialect } from 'kysely';
import { type Row, tableName } from '../tables.ts';
import { Databases } from './Databases.ts';
import { openPool } from './openPool.ts';
import type { Side, SideOptions } from './Side.ts';

type Schema = Record<string, Row>;

const context = new AsyncLocalStorage<Kysely<Schema>>();

/** A Kysely with a pg.Pool for each tenant; Node's context holds the current one. */
export function open(options: SideOptions): Side {
  const databases = new Databases<Kysely<Schema>>(options, {
    open: (url) => new Kysely<Schema>({ dialect: new PostgresDialect({ pool: openPool(url, options) }) }),
    close: (db) => db.destroy(),
  });
  return {
    middleware: (ctx, next) => databases.use(ctx.host, (db) => context.run(db, next)),
    list: async (table) => context.getStore()?.selectFrom(tableName(table)).selectAll().orderBy('id').execute(),
    close: () => databases.close(),
  };
}
