import type { SideOptions } from './Side.ts';

interface Entry<H> {
  readonly handle: Promise<H>;
  users: number;
}

export interface DatabasesParts<H> {
  readonly open: (url: string) => H | Promise<H>;
  readonly close: (handle: H) => Promise<unknown>;
}

/**
 * What people write by hand: a Map of whatever their ORM calls a database, opened when first asked for. With
 * `maxOpenTenants` the least recently used one is closed; never one in use, so that it makes no errors of its own making.
 */
export class Databases<H> {
  readonly #parts: DatabasesParts<H>;
  readonly #urls: ReadonlyMap<string, string>;
  readonly #capacity: number;
  readonly #entries = new Map<string, Entry<H>>();

  constructor({ url, databases, maxOpenTenants }: SideOptions, parts: DatabasesParts<H>) {
    this.#parts = parts;
    this.#urls = new Map(databases.map((database, index) => [`t${index}.example.com`, `${url}/${database}`]));
    this.#capacity = maxOpenTenants ?? Number.POSITIVE_INFINITY;
  }

  async use<R>(host: string, work: (handle: H) => Promise<R>): Promise<R> {
    if (this.#capacity === Number.POSITIVE_INFINITY) {
      return work(await this.#entry(host).handle);
    }
    const entry = this.#entry(host);
    // The last one of the Map is the one used last.
    this.#entries.delete(host);
    this.#entries.set(host, entry);
    entry.users += 1;
    try {
      return await work(await entry.handle);
    } finally {
      entry.users -= 1;
    }
  }

  #entry(host: string): Entry<H> {
    let entry = this.#entries.get(host);
    if (entry === undefined) {
      entry = { handle: this.#open(host), users: 0 };
      this.#entries.set(host, entry);
      // One that did not open is opened anew by the next request.
      entry.handle.catch(() => this.#entries.delete(host));
    }
    return entry;
  }

  async #open(host: string): Promise<H> {
    const url = this.#urls.get(host);
    if (url === undefined) {
      throw Object.assign(new Error(`There is no tenant at ${host}`), { status: 404 });
    }
    await this.#makeRoom();
    return this.#parts.open(url);
  }

  async #makeRoom(): Promise<void> {
    if (this.#entries.size < this.#capacity) {
      return;
    }
    for (const [host, { handle, users }] of this.#entries) {
      if (users === 0) {
        this.#entries.delete(host);
        await this.#parts.close(await handle);
        return;
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(async ({ handle }) => this.#parts.close(await handle)));
  }
}
