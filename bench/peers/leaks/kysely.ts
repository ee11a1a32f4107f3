import { type Generated, Kysely, PostgresDialect, type Transaction } from 'kysely';
import { contextApp } from './contextApp.ts';
import type { Layer } from './Layer.ts';
import { openPool } from './openPool.ts';

interface Schema {
  person: { id: Generated<number>; name: string };
}

type Db = Kysely<Schema>;

/** Rows are plain values without an owner, nothing is loaded lazily, converted, cached or heard of. */
export const layer: Layer = {
  open: (options) =>
    contextApp<Db, Transaction<Schema>>(options, {
      open: async (url) => new Kysely<Schema>({ dialect: new PostgresDialect({ pool: openPool(url) }) }),
      close: (db) => db.destroy(),
      add: (db, name) => db.insertInto('person').values({ name }).execute(),
      names: async (db) => (await db.selectFrom('person').selectAll().execute()).map(({ name }) => name),
      transaction: (db, work) => db.transaction().execute(work),
    }),
  specials: {},
};
