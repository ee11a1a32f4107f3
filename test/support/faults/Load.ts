import { EventEmitter, once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { type FaultWorld, WrongTenantError } from './FaultWorld.ts';

/** What became of one tenant's requests. */
export interface LoadReport {
  readonly served: number;
  readonly failed: number;
  /** What was seen of another tenant. */
  readonly wrong: readonly string[];
  /** The first errors, to read. */
  readonly errors: readonly string[];
}

const CLIENTS_PER_TENANT = 3;
/** A client whose request failed does not come again at once. */
const RETRY_MS = 10;
const ERRORS_KEPT = 5;

/** Clients of every tenant that send one request after the other until they are stopped. */
export class Load {
  readonly #world: FaultWorld;
  readonly #send: (id: string) => Promise<void>;
  readonly #changed = new EventEmitter().setMaxListeners(0);
  readonly #reports = new Map<string, { served: number; failed: number; wrong: string[]; errors: string[] }>();
  readonly #clients: Promise<void>[] = [];
  #stopped = false;

  private constructor(world: FaultWorld, send: (id: string) => Promise<void>) {
    this.#world = world;
    this.#send = send;
  }

  /** Resolves when every tenant has been served. */
  static async start(world: FaultWorld, send = (id: string) => world.request(id)): Promise<Load> {
    const load = new Load(world, send);
    for (const { id } of world.tenants) {
      load.#reports.set(id, { served: 0, failed: 0, wrong: [], errors: [] });
      for (let n = 0; n < CLIENTS_PER_TENANT; n += 1) {
        load.#clients.push(load.#client(id));
      }
    }
    await load.served('acme', 'globex', 'initech', 'umbrella');
    return load;
  }

  /** Resolves when each of these tenants has been served three times more. */
  async served(...ids: readonly string[]): Promise<void> {
    await this.#more(ids, 'served', CLIENTS_PER_TENANT);
  }

  /** Resolves when a request of each of these tenants has failed from now on. */
  async failed(...ids: readonly string[]): Promise<void> {
    await this.#more(ids, 'failed', 1);
  }

  async #more(ids: readonly string[], what: 'served' | 'failed', by: number): Promise<void> {
    const aims = ids.map((id) => ({ id, count: this.of(id)[what] + by }));
    while (aims.some(({ id, count }) => this.of(id)[what] < count)) {
      await once(this.#changed, 'changed');
    }
  }

  of(id: string): LoadReport {
    return this.#report(id);
  }

  #report(id: string) {
    const report = this.#reports.get(id);
    if (report === undefined) {
      throw new Error(`There is no load on "${id}"`);
    }
    return report;
  }

  async #client(id: string): Promise<void> {
    const report = this.#report(id);
    while (!this.#stopped) {
      try {
        await this.#send(id);
        report.served += 1;
        this.#changed.emit('changed');
      } catch (error) {
        report.failed += 1;
        const kept = error instanceof WrongTenantError ? report.wrong : report.errors;
        if (kept.length < ERRORS_KEPT) {
          kept.push(String(error));
        }
        this.#changed.emit('changed');
        await pause(RETRY_MS);
      }
    }
  }

  /** Resolves when every request has come to something. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }

  /** Stops, and gives what nobody may have seen: another tenant's data, and errors where nothing was wrong. */
  async complaints(): Promise<readonly string[]> {
    await this.stop();
    return this.#world.tenants.flatMap(({ id, server }) => {
      const { wrong, errors } = this.of(id);
      return [...wrong, ...(server === 'sound' ? errors.map((error) => `${id}: ${error}`) : [])];
    });
  }
}
