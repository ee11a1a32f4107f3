import { MikroORM, type Options } from '@mikro-orm/postgresql';

interface Entry {
  readonly orm: Promise<MikroORM>;
  users: number;
}

/**
 * What people write by hand: a Map of MikroORMs, the least recently used of which is closed when there are too many.
 * One that is in use is not closed, so that it makes no errors of its own making.
 */
export class OrmCache {
  readonly #options: Options;
  readonly #capacity: number;
  readonly #entries = new Map<string, Entry>();

  constructor(options: Options, capacity: number) {
    this.#options = options;
    this.#capacity = capacity;
  }

  async use<R>(dbName: string, work: (orm: MikroORM) => Promise<R>): Promise<R> {
    const entry = this.#entries.get(dbName) ?? { orm: this.#open(dbName), users: 0 };
    // The last one of the Map is the one used last.
    this.#entries.delete(dbName);
    this.#entries.set(dbName, entry);
    entry.users += 1;
    try {
      return await work(await entry.orm);
    } finally {
      entry.users -= 1;
    }
  }

  async #open(dbName: string): Promise<MikroORM> {
    await this.#makeRoom();
    return MikroORM.init({ ...this.#options, discovery: {}, dbName });
  }

  async #makeRoom(): Promise<void> {
    if (this.#entries.size < this.#capacity) {
      return;
    }
    for (const [dbName, { orm, users }] of this.#entries) {
      if (users === 0) {
        this.#entries.delete(dbName);
        await (await orm).close();
        return;
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(async ({ orm }) => (await orm).close()));
  }
}
