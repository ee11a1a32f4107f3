import { setImmediate as turn } from 'node:timers/promises';
import type { CacheAdapter } from '@mikro-orm/core';

interface Entry {
  readonly json: string;
  readonly expiresAt: number;
}

/** What every client of one server shares, as it would be in Redis. */
export class RemoteCacheServer {
  readonly entries = new Map<string, Entry>();
  clients = 0;
}

/** A result cache adapter like one over Redis: a connection to one server, text in, text out, useless once closed. */
export function remoteCacheOver(server: RemoteCacheServer): new () => CacheAdapter {
  return class RemoteCache implements CacheAdapter {
    #isOpen = true;

    constructor() {
      server.clients += 1;
    }

    async get<T>(name: string): Promise<T | undefined> {
      await this.#roundTrip();
      const entry = server.entries.get(name);
      return entry === undefined || entry.expiresAt < Date.now() ? undefined : (JSON.parse(entry.json) as T);
    }

    async set(name: string, data: unknown, _origin: string, expiration = 1_000): Promise<void> {
      await this.#roundTrip();
      server.entries.set(name, { json: JSON.stringify(data), expiresAt: Date.now() + expiration });
    }

    async remove(name: string): Promise<void> {
      await this.#roundTrip();
      server.entries.delete(name);
    }

    async clear(): Promise<void> {
      await this.#roundTrip();
      server.entries.clear();
    }

    async close(): Promise<void> {
      await this.#roundTrip();
      this.#isOpen = false;
      server.clients -= 1;
    }

    async #roundTrip(): Promise<void> {
      await turn();
      if (!this.#isOpen) {
        throw new Error('The connection to the cache is closed');
      }
    }
  };
}
