import type pg from 'pg';
import { TenantReadOnlyError } from '../errors.ts';
import { answers } from './answers.ts';
import { assertReadsOnly } from './assertReadsOnly.ts';
import type { BudgetedConnection, CloseCause } from './BudgetedConnection.ts';
import { cancelStatement, cutClient, endClient } from './endClient.ts';
import type { LeakWatch } from './LeakWatch.ts';
import { type LeaseEnd, refusalAfter } from './LeaseEnd.ts';
import { appendTo, type SqlComment } from './SqlComment.ts';
import { settlingCursor } from './settlingCursor.ts';
import type { TenantConnectionListener, TenantConnectionParts } from './TenantConnectionParts.ts';
import { type Send, TransactionSession } from './TransactionSession.ts';

/** SQLSTATE read_only_sql_transaction. */
const READ_ONLY_TRANSACTION = '25006';

/** How long a cancelled statement may take to end before its connection is cut. */
const GOODBYE_TIMEOUT_MS = 1_000;

/**
 * One physical connection to one tenant's database, as Kysely's dialect uses it. It answers only while it is leased;
 * one that comes back inside a transaction or with a statement under way is not used again.
 */
export class TenantConnection implements BudgetedConnection {
  readonly #client: pg.Client;
  readonly #listener: TenantConnectionListener;
  readonly #tenantId: string;
  readonly #isPooled: boolean;
  readonly #leaks: LeakWatch | undefined;
  readonly #isReadOnly: boolean;
  readonly #comment: SqlComment | undefined;
  /** Where the settings of the session have to be given to each transaction. */
  readonly #inTransactions: TransactionSession | undefined;
  readonly #cut = Promise.withResolvers<void>();
  #stopLeakWatch: (() => void) | undefined;
  #leased = false;
  #underWay = 0;
  #broken = false;
  #leaseEnd: LeaseEnd = { is: 'released' };
  /** After a failover the old primary may keep its sessions, where nothing can be written any more. */
  #mayBeStale = false;
  /** Whether a statement was under way when the connection was taken from its user. */
  #isInterrupted = false;
  readonly #onGone = new Set<() => void>();

  constructor({ client, tenantId, listener, isPooled, leaks, session, comment }: TenantConnectionParts) {
    this.#client = client;
    this.#tenantId = tenantId;
    this.#listener = listener;
    this.#isPooled = isPooled;
    this.#leaks = leaks;
    this.#isReadOnly = session.isReadOnly;
    this.#comment = comment;
    this.#inTransactions = isPooled && session.parameters.length > 0 ? new TransactionSession(session) : undefined;
    // Without a listener an error event ends the process; the statement under way rejects on its own.
    client.on('error', (error) => this.#break(error));
    client.on('end', () => this.#break(undefined));
  }

  /** The process id of the backend, which Kysely reads to cancel a statement; 0 makes it ask the server. */
  get processID(): number {
    return (this.#client as { readonly processID?: number | null }).processID ?? 0;
  }

  get broken(): boolean {
    return this.#broken;
  }

  /** Called by the pool when it hands the connection out. `stack` is where, for leaks that are watched for. */
  lease(stack?: string): this {
    this.#leased = true;
    if (stack !== undefined) {
      this.#stopLeakWatch = this.#leaks?.begin(stack);
    }
    return this;
  }

  #endLease(): void {
    this.#leased = false;
    this.#stopLeakWatch?.();
    this.#stopLeakWatch = undefined;
  }

  query(text: string, parameters: readonly unknown[]): Promise<pg.QueryResult>;
  query<Q extends pg.Submittable>(cursor: Q): Q;
  query<Q extends pg.Submittable>(text: string | Q, parameters: readonly unknown[] = []): Promise<pg.QueryResult> | Q {
    if (!this.#leased) {
      throw this.refusal;
    }
    if (typeof text !== 'string') {
      this.#assertReadsOnly((text as { readonly text?: string }).text ?? '');
      return this.#stream(text);
    }
    return this.#run(text, parameters);
  }

  /** Why no statement can be sent after the lease. */
  get refusal(): Error {
    return refusalAfter(this.#leaseEnd, this.#tenantId);
  }

  /** Calls `listener` once the connection is gone. Gives what takes the listener back. */
  onGone(listener: () => void): () => void {
    this.#onGone.add(listener);
    return () => this.#onGone.delete(listener);
  }

  #assertReadsOnly(text: string): void {
    if (this.#isReadOnly) {
      assertReadsOnly(this.#tenantId, text, this.#isPooled);
    }
  }

  async #run(text: string, parameters: readonly unknown[]): Promise<pg.QueryResult> {
    this.#assertReadsOnly(text);
    this.#underWay += 1;
    try {
      return this.#inTransactions !== undefined && this.#client.getTransactionStatus() === 'I'
        ? await this.#inTransactions.run(this.#send, text, parameters)
        : await this.#client.query(this.#commented(text), parameters as unknown[]);
    } catch (error) {
      await this.#ready();
      if ((error as { readonly code?: unknown }).code !== READ_ONLY_TRANSACTION) {
        throw error;
      }
      if (this.#isReadOnly) {
        throw new TenantReadOnlyError(this.#tenantId, 'PostgreSQL refused a write', { cause: error });
      }
      this.#mayBeStale = true;
      throw error;
    } finally {
      this.#underWay -= 1;
    }
  }

  #commented(text: string): string {
    return this.#comment === undefined ? text : text + this.#comment();
  }

  readonly #send: Send = async (text, parameters) => {
    try {
      return await this.#client.query(this.#commented(text), parameters as unknown[]);
    } catch (error) {
      await this.#ready();
      throw error;
    }
  };

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

  /** Submits a cursor; where settings belong to transactions, inside of one that ends with the cursor. */
  #stream<Q extends pg.Submittable>(submitted: Q): Q {
    const cursor = settlingCursor(submitted, this);
    if (this.#comment !== undefined) {
      appendTo(cursor, this.#comment);
    }
    const settings = this.#inTransactions;
    const { close, handleError } = cursor as { close?(): Promise<void>; handleError?(error: unknown): void };
    if (settings === undefined || close === undefined || this.#client.getTransactionStatus() !== 'I') {
      return this.#client.query(cursor);
    }
    this.#underWay += 1;
    const begun = this.#send(settings.begin, []).then(
      () => void this.#client.query(cursor),
      (error) => handleError?.call(cursor, error),
    );
    return Object.assign(cursor, {
      close: async (): Promise<void> => {
        try {
          await begun;
          await close.call(cursor);
          await this.#send('commit', []);
        } finally {
          this.#underWay -= 1;
        }
      },
    });
  }

  get #isReady(): boolean {
    return (this.#client as unknown as { readonly readyForQuery: boolean }).readyForQuery;
  }

  get #isBusy(): boolean {
    return this.#underWay > 0 || !this.#isReady;
  }

  /** Ends the lease. Does nothing when the pool took the connection back already. */
  release(): void {
    if (!this.#leased) {
      return;
    }
    this.#endLease();
    const status = this.#isBusy ? 'busy' : this.#client.getTransactionStatus();
    const clean = status === 'I' && !this.#broken;
    if (!clean && !this.#broken) {
      this.#listener.tainted(status ?? 'unknown');
    }
    this.#listener.released(this, !clean || this.#mayBeStale);
  }

  /** Takes the connection from its user, whose statement rejects: cut off, or cancelled where a pooler is in between. */
  revoke(): void {
    this.#endLease();
    this.#leaseEnd = { is: 'revoked' };
    this.#isInterrupted = !this.#broken && this.#isBusy;
    if (!(this.#isPooled && this.#isInterrupted)) {
      this.#gone();
      cutClient(this.#client);
    }
  }

  check(): Promise<boolean> {
    return answers(this.#client);
  }

  async close(cause: CloseCause): Promise<void> {
    this.#endLease();
    this.#isInterrupted ||= cause === 'not reusable' && !this.#broken && this.#isBusy;
    await Promise.race([this.#end(cause), this.#cut.promise]);
    this.#gone();
    this.#listener.closed(cause);
  }

  async #end(cause: CloseCause): Promise<void> {
    if (this.#isInterrupted && this.#isPooled) {
      // A pooler forgets the statement of a client that is gone, so that the socket is kept until the statement is over.
      const timer = setTimeout(() => cutClient(this.#client), GOODBYE_TIMEOUT_MS);
      timer.unref();
      await cancelStatement(this.#client);
      await this.#ready();
      clearTimeout(timer);
    }
    this.#gone();
    if (cause === 'broken') {
      // Nobody is there to hear a goodbye.
      cutClient(this.#client);
    }
    await endClient(this.#client);
    if (this.#isInterrupted && !this.#isPooled) {
      // Only now, so that there is no socket more than before.
      await cancelStatement(this.#client);
    }
  }

  /** Ends what {@link close} waits for. A statement is cancelled all the same, within the next second. */
  cut(): void {
    this.#cut.resolve();
    if (!(this.#isPooled && this.#isInterrupted)) {
      cutClient(this.#client);
    }
  }

  #break(error: unknown): void {
    if (!this.#broken) {
      if (this.#leased) {
        // The pool takes it back at once.
        this.#leaseEnd = { is: 'broken', cause: error };
      }
      this.#gone();
      this.#listener.broke(this, error);
    }
  }

  #gone(): void {
    this.#broken = true;
    this.#stopLeakWatch?.();
    for (const hear of this.#onGone) {
      hear();
    }
  }
}
