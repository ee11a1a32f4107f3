import type pg from 'pg';
import { LeaseReleasedError, TenantClosedError } from '../errors.ts';
import type { BudgetedConnection, CloseCause } from './ConnectionBudget.ts';

/** After this time a connection that does not say goodbye is cut off. */
const CLOSE_TIMEOUT_MS = 1_000;

/** What one connection reports to its owner. */
export interface TenantConnectionListener {
  released(connection: TenantConnection, destroy: boolean): void;
  /** The transaction status (`T` or `E`), or `busy`, in which a user left the connection. */
  tainted(status: string): void;
  broke(connection: TenantConnection, error: unknown): void;
  closed(cause: CloseCause): void;
}

/**
 * One physical connection to one tenant's database, as Kysely's dialect uses it. It answers only while it is leased;
 * one that comes back inside a transaction or with a statement under way is not used again.
 */
export class TenantConnection implements BudgetedConnection {
  readonly #client: pg.Client;
  readonly #listener: TenantConnectionListener;
  readonly #tenantId: string;
  #leased = false;
  #underWay = 0;
  #broken = false;
  #revoked = false;
  readonly #onGone = new Set<() => void>();

  constructor(client: pg.Client, tenantId: string, listener: TenantConnectionListener) {
    this.#client = client;
    this.#tenantId = tenantId;
    this.#listener = listener;
    // Without a listener an error event ends the process; the statement under way rejects on its own.
    client.on('error', (error) => this.#break(error));
    client.on('end', () => this.#break(undefined));
  }

  /** The process id of the backend, which Kysely reads to cancel a statement; 0 makes it ask the server. */
  get processID(): number {
    const { processID } = this.#client as { readonly processID?: number | null };
    return processID ?? 0;
  }

  get broken(): boolean {
    return this.#broken;
  }

  /** Called by the pool when it hands the connection out. */
  lease(): this {
    this.#leased = true;
    return this;
  }

  query(text: string, parameters: readonly unknown[]): Promise<pg.QueryResult>;
  query<Q extends pg.Submittable>(cursor: Q): Q;
  query<Q extends pg.Submittable>(text: string | Q, parameters: readonly unknown[] = []): Promise<pg.QueryResult> | Q {
    if (!this.#leased) {
      throw this.#revoked
        ? new TenantClosedError(this.#tenantId, 'its time to finish was over')
        : new LeaseReleasedError(this.#tenantId, 'a statement was sent on a connection that had been given back.');
    }
    if (typeof text !== 'string') {
      return this.#client.query(this.#closable(text));
    }
    return this.#run(text, parameters);
  }

  async #run(text: string, parameters: readonly unknown[]): Promise<pg.QueryResult> {
    this.#underWay += 1;
    try {
      return await this.#client.query(text, [...parameters]);
    } catch (error) {
      await this.#ready();
      throw error;
    } finally {
      this.#underWay -= 1;
    }
  }

  /**
   * `pg` rejects as soon as the error is there; in which state it left the transaction, PostgreSQL says a message
   * later. A batch such as `begin; select 1 / 0` would otherwise be released as if there were no transaction.
   */
  #ready(): Promise<void> | undefined {
    if (this.#broken || this.#isReady) {
      return undefined;
    }
    const { connection } = this.#client as unknown as { readonly connection: NodeJS.EventEmitter };
    return new Promise((resolve) => {
      const done = (): void => {
        connection.off('readyForQuery', done);
        this.#onGone.delete(done);
        resolve();
      };
      connection.on('readyForQuery', done);
      this.#onGone.add(done);
    });
  }

  /** A cursor waits for the server's answer to `close`, which never comes once the connection is gone. */
  #closable<Q extends pg.Submittable>(cursor: Q): Q {
    const { close } = cursor as { close?(): Promise<void> };
    if (close === undefined) {
      return cursor;
    }
    return Object.assign(cursor, {
      close: async (): Promise<void> => {
        if (!this.#broken) {
          const { promise: gone, resolve } = Promise.withResolvers<void>();
          this.#onGone.add(resolve);
          await Promise.race([gone, close.call(cursor)]).finally(() => this.#onGone.delete(resolve));
        }
      },
    });
  }

  get #isReady(): boolean {
    return (this.#client as unknown as { readonly readyForQuery: boolean }).readyForQuery;
  }

  /** Ends the lease. Does nothing when the pool took the connection back already. */
  release(): void {
    if (!this.#leased) {
      return;
    }
    this.#leased = false;
    const isBusy = this.#underWay > 0 || !this.#isReady;
    const status = isBusy ? 'busy' : this.#client.getTransactionStatus();
    const clean = status === 'I' && !this.#broken;
    if (!clean && !this.#broken) {
      this.#listener.tainted(status ?? 'unknown');
    }
    this.#listener.released(this, !clean);
  }

  /** Cuts the connection off under its user, whose statement rejects. */
  revoke(): void {
    this.#leased = false;
    this.#revoked = true;
    this.#gone();
    cutClient(this.#client);
  }

  async close(cause: CloseCause): Promise<void> {
    this.#leased = false;
    this.#gone();
    await endClient(this.#client);
    this.#listener.closed(cause);
  }

  #break(error: unknown): void {
    if (!this.#broken) {
      this.#gone();
      this.#listener.broke(this, error);
    }
  }

  #gone(): void {
    this.#broken = true;
    for (const hear of this.#onGone) {
      hear();
    }
  }
}

/** Ends a `pg` client: politely, and after a second by cutting the socket. Never rejects, never hangs. */
export async function endClient(client: pg.Client): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const cut = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      cutClient(client);
      resolve();
    }, CLOSE_TIMEOUT_MS);
    timer.unref();
  });
  try {
    await Promise.race([client.end(), cut]);
  } catch {
    // The socket is gone already, which is what was asked for.
  } finally {
    clearTimeout(timer);
  }
}

/** Cuts the socket of a `pg` client, which has no public way for that; `connection.stream` is it in every 8.x. */
export function cutClient(client: pg.Client): void {
  const { connection } = client as unknown as { readonly connection?: { readonly stream?: { destroy(): void } } };
  connection?.stream?.destroy();
}
