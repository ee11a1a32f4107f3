import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';

const EVERY_MS = 5;

/**
 * Looks every 5 ms at which sessions of tenants a server has, on a session of its own. One that is still being
 * authenticated has no name yet, and so every other client is counted.
 */
export class SessionSampler {
  readonly #client: pg.Client;
  readonly #work: Promise<void>;
  #stopped = false;
  /** How often it looked. */
  samples = 0;
  /** The most sessions it saw at a time. */
  most = 0;

  private constructor(client: pg.Client) {
    this.#client = client;
    this.#work = this.#sample();
  }

  static async start(server: string): Promise<SessionSampler> {
    const client = new pg.Client({ connectionString: `${server}/postgres` });
    await client.connect();
    return new SessionSampler(client);
  }

  async #look(): Promise<number> {
    const { rows } = await this.#client.query<{ count: number }>({
      name: 'sample',
      text: `select count(*)::int as count from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()`,
    });
    return rows[0]?.count ?? 0;
  }

  async #sample(): Promise<void> {
    while (!this.#stopped) {
      this.most = Math.max(this.most, await this.#look());
      this.samples += 1;
      await pause(EVERY_MS);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#work;
    await this.#client.end();
  }
}
