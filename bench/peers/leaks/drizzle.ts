import { eq } from 'drizzle-orm';
import { Cache } from 'drizzle-orm/cache/core';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { pgTable, serial, text } from 'drizzle-orm/pg-core';
import type pg from 'pg';
import { contextApp } from './contextApp.ts';
import type { AppOptions, Layer } from './Layer.ts';
import { openPool } from './openPool.ts';
import { leakOf, SharedStore } from './SharedStore.ts';

const person = pgTable('person', { id: serial().primaryKey(), name: text().notNull() });

interface Db extends NodePgDatabase {
  readonly $client: pg.Pool;
}
type Transaction = Pick<Db, 'insert'>;

function openApp(options: AppOptions, cache?: Cache) {
  return contextApp<Db, Transaction>(options, {
    open: async (url) => drizzle({ client: openPool(url), ...(cache && { cache }) }),
    close: (db) => db.$client.end(),
    add: async (db, name) => db.insert(person).values({ name }),
    names: async (db) => (await db.select().from(person)).map(({ name }) => name),
    transaction: (db, work) => db.transaction(work),
  });
}

/** Drizzle makes the keys; a cache of one's own, like Drizzle's over Upstash, keeps what it is given under them. */
class SharedCache extends Cache {
  readonly #store = new SharedStore();

  override strategy(): 'explicit' {
    return 'explicit';
  }

  override async get(key: string): Promise<unknown[] | undefined> {
    return this.#store.get(key) as unknown[] | undefined;
  }

  override async put(key: string, response: unknown): Promise<void> {
    this.#store.set(key, response);
  }

  override async onMutate(): Promise<void> {}
}

/** Rows are plain values without an owner, nothing is loaded lazily, and no state outlives a converter that throws. */
export const layer: Layer = {
  open: (options) => openApp(options),
  specials: {
    async resultCache(world) {
      const app = openApp(world.options, new SharedCache());
      const leak = await leakOf(async (tenant) => {
        const db = await app.handleOf(tenant);
        const [row] = await db.select().from(person).where(eq(person.id, 1)).$withCache();
        return row?.name;
      });
      await app.close();
      return leak;
    },
  },
};
