import { AsyncLocalStorage } from 'node:async_hooks';
import { asc } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { boolean, integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type pg from 'pg';
import { TABLES, tableName } from '../tables.ts';
import { Databases } from './Databases.ts';
import { openPool } from './openPool.ts';
import type { Side, SideOptions } from './Side.ts';

const tableOf = (name: string) =>
  pgTable(name, {
    id: integer().primaryKey(),
    name: text().notNull(),
    code: text().notNull().unique(),
    kind: text().notNull(),
    note: text(),
    rooms: integer().notNull(),
    active: boolean().notNull(),
    listed: timestamp({ withTimezone: true }).notNull(),
    changed: timestamp({ withTimezone: true }).notNull(),
  });

const tables = Array.from({ length: TABLES }, (_, index) => tableOf(tableName(index)));

interface Database extends NodePgDatabase {
  readonly $client: pg.Pool;
}

const context = new AsyncLocalStorage<Database>();

/** A `drizzle()` with a pg.Pool for each tenant; Node's context holds the current one. */
export function open(options: SideOptions): Side {
  const databases = new Databases<Database>(options, {
    open: (url) => drizzle({ client: openPool(url, options) }),
    close: (db) => db.$client.end(),
  });
  return {
    middleware: (ctx, next) => databases.use(ctx.host, (db) => context.run(db, next)),
    list: async (index) => {
      const table = tables[index] as ReturnType<typeof tableOf>;
      return context.getStore()?.select().from(table).orderBy(asc(table.id));
    },
    close: () => databases.close(),
  };
}
