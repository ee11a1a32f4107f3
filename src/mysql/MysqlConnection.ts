import type { Readable } from 'node:stream';
import type { Connection, ResultSetHeader } from 'mysql2';
import { assertReadsOnly } from '../connections/assertReadsOnly.ts';
import type { CloseCause } from '../connections/BudgetedConnection.ts';
import { LeasedConnection, type LeasedConnectionParts } from '../databases/LeasedConnection.ts';
import type { StatementResult } from '../databases/PooledDriver.ts';
import { TenantConnectionLostError, TenantReadOnlyError, WrongDatabaseError } from '../errors.ts';
import { assertOwnDatabase, type StatementOwner } from './assertOwnDatabase.ts';
import { leavesNothing } from './leavesNothing.ts';
import type { MysqlSession } from './MysqlSession.ts';
import { answers, cutClient, endClient, inTime, send } from './mysqlClient.ts';

export interface MysqlConnectionParts extends LeasedConnectionParts<MysqlConnection> {
  readonly client: Connection;
  readonly session: MysqlSession;
  readonly database: string;
  /** Has the server end what a session does that is no more listened to. Never rejects, never hangs. */
  readonly kill: (threadId: number) => Promise<void>;
}

const READ_ONLY = 'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION';
/** What is said of a session that the server has ended, or is about to. */
const LOST = new Set(['ER_CONNECTION_KILLED', 'ER_SERVER_SHUTDOWN', 'PROTOCOL_CONNECTION_LOST', 'ECONNRESET', 'EPIPE']);
/** What the protocol says with each result: a transaction is open. */
const IN_TRANSACTION = 1;

const OTHER_DATABASE = 'other database';

type Gone = (reason: Error) => void;

/** One connection to one tenant's database on a server of MySQL or MariaDB. */
export class MysqlConnection extends LeasedConnection<MysqlConnection> {
  /** The statements by which another connection ends what this one does. */
  readonly cancelledBy: { readonly query: string; readonly session: string };
  readonly #client: Connection;
  readonly #session: MysqlSession;
  readonly #owner: StatementOwner;
  readonly #kill: (threadId: number) => Promise<void>;
  readonly #threadId: number;
  readonly #cut = Promise.withResolvers<void>();
  /** Who waits for an answer, and is to hear that there will be none: once it is cut, `mysql2` calls nobody back. */
  readonly #waiting = new Set<Gone>();
  #streams = 0;
  #isInTransaction = false;
  /** Whether the lease may have changed the session. */
  #isChanged = false;
  /** Whether a statement was under way when nobody was interested in it any more. */
  #isInterrupted = false;

  constructor({ client, session, database, kill, ...parts }: MysqlConnectionParts) {
    super(parts);
    this.#client = client;
    this.#session = session;
    this.#owner = { tenantId: this.tenantId, database };
    this.#kill = kill;
    this.#threadId = client.threadId as number;
    this.cancelledBy = { query: `kill query ${this.#threadId}`, session: `kill ${this.#threadId}` };
    client.on('error', (error) => this.#break(error));
  }

  protected override get isInTransaction(): boolean {
    return this.#isInTransaction;
  }

  protected override get isBusy(): boolean {
    return super.isBusy || this.#streams > 0;
  }

  /** Sends one statement. Rejects with `TenantConnectionLostError` where the connection goes meanwhile. */
  override async query(text: string, parameters: readonly unknown[]): Promise<StatementResult> {
    this.#begin(text);
    this.underWay += 1;
    try {
      const result = this.#resultOf(await this.#unlessGone(send<unknown>(this.#client, text, parameters)));
      if (this.broken) {
        throw this.refusal;
      }
      return result;
    } catch (error) {
      throw this.#converted(error);
    } finally {
      this.underWay -= 1;
    }
  }

  /** Gives the rows as they come; the connection is busy until the last one has come. */
  override async *stream(text: string, parameters: readonly unknown[]): AsyncIterableIterator<unknown> {
    this.#begin(text);
    const statement = this.#client.query({ sql: text, values: [...parameters] });
    this.#streams += 1;
    statement.once('end', () => {
      this.#streams -= 1;
    });
    const rows = statement.stream() as Readable;
    const stop: Gone = (reason) => void rows.destroy(reason);
    this.#waiting.add(stop);
    try {
      for await (const row of rows) {
        yield row;
        this.assertLeased();
      }
    } catch (error) {
      throw this.#converted(error);
    } finally {
      this.#waiting.delete(stop);
    }
  }

  #begin(text: string): void {
    this.assertLeased();
    assertOwnDatabase(this.#owner, text);
    if (this.isReadOnly) {
      assertReadsOnly(this.tenantId, text, false);
    }
    this.#isChanged ||= !leavesNothing(text);
  }

  #unlessGone<R>(answer: Promise<R>): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      answer.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  #resultOf(result: unknown): StatementResult {
    const last: unknown = Array.isArray(result) ? result.at(-1) : result;
    if (isHeader(last)) {
      this.#isInTransaction = (last.serverStatus & IN_TRANSACTION) !== 0;
      this.#assertStill(last.stateChanges?.schema);
    }
    if (isHeader(result)) {
      const { affectedRows, insertId } = result;
      return { rows: [], changes: affectedRows, lastInsertRowid: insertId === 0 ? undefined : insertId };
    }
    // A call gives the rows of each of its statements, and what it has changed behind them.
    return { rows: Array.isArray(result) ? result : [] };
  }

  /** The server says when another database was chosen, however that was hidden: nothing more is sent there. A dropped one has no name. */
  #assertStill(chosen: string | null | undefined): void {
    const { database } = this.#owner;
    if (chosen && chosen !== database) {
      this.listener.tainted(OTHER_DATABASE);
      this.#lose(new WrongDatabaseError(this.tenantId, database, chosen));
    }
  }

  #converted(error: unknown): unknown {
    const { code, fatal } = error as { readonly code?: unknown; readonly fatal?: unknown };
    if (LOST.has(code as string) || fatal === true) {
      this.#break(error as Error);
    }
    if (this.broken) {
      return this.refusal;
    }
    return this.isReadOnly && code === READ_ONLY
      ? new TenantReadOnlyError(this.tenantId, 'the server refused a write', { cause: error })
      : error;
  }

  /** What may have changed the session is taken back before anybody else has it. */
  protected override giveBack(): void {
    if (this.#isChanged) {
      void this.#giveBackReset();
    } else {
      super.giveBack();
    }
  }

  async #giveBackReset(): Promise<void> {
    const reset = this.#unlessGone(this.#session.reset()).catch((error: unknown) => {
      if (error instanceof WrongDatabaseError) {
        this.listener.tainted(OTHER_DATABASE);
      }
      throw error;
    });
    this.#isChanged = !(await inTime(reset));
    this.listener.released(this, this.#isChanged);
  }

  override check(): Promise<boolean> {
    return this.broken ? Promise.resolve(false) : answers(this.#client);
  }

  override revoke(): void {
    super.revoke();
    this.#isInterrupted ||= !this.broken && this.isBusy;
    this.#gone();
  }

  override async close(cause: CloseCause): Promise<void> {
    this.#isInterrupted ||= !this.broken && this.isBusy;
    await Promise.race([this.#end(cause), this.#cut.promise]);
    this.listener.closed(cause);
  }

  async #end(cause: CloseCause): Promise<void> {
    // Of a broken one nobody is there to hear a goodbye.
    if (cause === 'broken' || this.broken || this.#isInterrupted) {
      this.#gone();
    } else {
      this.shut();
      await endClient(this.#client);
    }
    if (this.#isInterrupted) {
      // The server goes on with a statement whose client is gone. Only now, so that there is no socket more than before.
      await this.#kill(this.#threadId);
    }
  }

  /** Ends what {@link close} waits for. A statement is ended all the same, within the next second. */
  override cut(): void {
    this.#cut.resolve();
    this.#gone();
  }

  #break(error: Error): void {
    this.#lose(new TenantConnectionLostError(this.tenantId, { cause: error }));
  }

  /** Its user, if there is one, hears of `error`, now and whenever he goes on. */
  #lose(error: Error): void {
    if (!this.broken) {
      if (this.isLeased) {
        this.endLease({ is: 'lost', error });
      }
      this.#gone();
      this.listener.broke(this);
    }
  }

  #gone(): void {
    this.shut();
    for (const hear of [...this.#waiting]) {
      hear(this.refusal);
    }
    cutClient(this.#client);
  }
}

/** With what the server says of the session, where it changed. */
type Header = ResultSetHeader & { readonly stateChanges?: { readonly schema: string | null } };

function isHeader(value: unknown): value is Header {
  return typeof value === 'object' && value !== null && 'serverStatus' in value && 'affectedRows' in value;
}
