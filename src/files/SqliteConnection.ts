import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { CloseCause } from '../connections/BudgetedConnection.ts';
import type { LeasedConnectionParts } from '../databases/LeasedConnection.ts';
import type { StatementResult } from '../databases/PooledDriver.ts';
import { TenantBusyError, TenantReadOnlyError } from '../errors.ts';
import { assertOneFile } from './assertOneFile.ts';
import { assertOwnProcess } from './assertOwnProcess.ts';
import { FileConnection } from './FileConnection.ts';
import { closeHandle, isLocked, type SqliteHandle } from './SqliteHandle.ts';
import type { WriteTurns } from './WriteTurns.ts';

export interface SqliteConnectionParts extends LeasedConnectionParts<SqliteConnection> {
  readonly handle: SqliteHandle;
  /** Of the database, for all its connections. */
  readonly turns: WriteTurns;
  /** How long a statement waits for others that write. */
  readonly lockTimeoutMs: number;
  /** Throws for a statement that this kind cannot be sent. @default sends all */
  readonly assertStatement?: (text: string) => void;
}

/** How long to wait before another process is asked again whether it still writes; with jitter. */
const FIRST_PAUSE_MS = 2;
const MAX_PAUSE_MS = 50;

/** After so long without a pause, a connection lets the rest of the process go on. */
const MAX_BURST_MS = 10;

const BEGINS_WRITING = /^\s*begin\s+(?:immediate|exclusive)\b/i;

/** One open file of one tenant. */
export class SqliteConnection extends FileConnection<SqliteConnection> {
  readonly #handle: SqliteHandle;
  readonly #turns: WriteTurns;
  readonly #lockTimeoutMs: number;
  readonly #assertStatement: SqliteConnectionParts['assertStatement'];
  readonly #ended = new AbortController();
  readonly #streams = new Set<IterableIterator<unknown>>();
  #hasTurn = false;
  #burstSince: number | undefined;

  constructor({ handle, turns, lockTimeoutMs, assertStatement, ...parts }: SqliteConnectionParts) {
    super(parts);
    this.#handle = handle;
    this.#turns = turns;
    this.#lockTimeoutMs = lockTimeoutMs;
    this.#assertStatement = assertStatement;
  }

  protected override get isBusy(): boolean {
    return super.isBusy || this.#streams.size > 0;
  }

  protected override get isInTransaction(): boolean {
    return this.#handle.inTransaction;
  }

  /**
   * Sends one statement. Where another connection writes, it waits, and rejects with `TenantBusyError` after
   * `lockTimeoutMs`; the process goes on meanwhile.
   */
  override async query(text: string, parameters: readonly unknown[]): Promise<StatementResult> {
    this.assertLeased();
    this.#assertAllowed(text);
    this.underWay += 1;
    try {
      await this.#letOthersGoOn();
      return await this.#send(text, parameters);
    } catch (error) {
      throw this.#converted(error);
    } finally {
      this.underWay -= 1;
      this.#endTurn();
    }
  }

  /** Statements are synchronous, and what follows from them comes before anything else: thousands leave no moment for it. */
  async #letOthersGoOn(): Promise<void> {
    if (this.#burstSince === undefined) {
      this.#burstSince = performance.now();
      // When this is called, others have had their moment.
      setImmediate(() => {
        this.#burstSince = undefined;
      });
    } else if (performance.now() - this.#burstSince > MAX_BURST_MS) {
      await turn();
    }
  }

  async #send(text: string, parameters: readonly unknown[]): Promise<StatementResult> {
    const handle = this.#handle;
    const deadline = performance.now() + this.#lockTimeoutMs;
    if (BEGINS_WRITING.test(text) && !handle.inTransaction) {
      await this.#takeTurn(deadline);
    }
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      this.assertLeased();
      try {
        return run(handle, text, parameters);
      } catch (error) {
        if (!isLocked(error)) {
          throw error;
        }
        if (performance.now() + pauseMs > deadline) {
          throw this.#late(error);
        }
        if (this.#hasTurn) {
          // It is another process that writes.
          await pause(pauseMs * (0.5 + Math.random()), undefined, { signal: this.#ended.signal });
        } else {
          await this.#takeTurn(deadline);
        }
      }
    }
  }

  /** Gives the rows one by one; the connection is busy until the last one, or until `return()`. */
  override async *stream(text: string, parameters: readonly unknown[]): AsyncIterableIterator<unknown> {
    this.assertLeased();
    this.#assertAllowed(text);
    const rows = this.#handle.prepare(text).iterate(parameters);
    this.#streams.add(rows);
    try {
      for (const row of rows) {
        yield row;
        await this.#letOthersGoOn();
        this.assertLeased();
      }
    } finally {
      this.#streams.delete(rows);
    }
  }

  async #takeTurn(deadline: number): Promise<void> {
    if (!this.#hasTurn) {
      await this.#turns.take({
        timeoutMs: Math.max(0, deadline - performance.now()),
        signal: this.#ended.signal,
        late: () => this.#late(),
      });
      this.#hasTurn = true;
    }
  }

  /** What is not in a transaction has written what it writes. */
  #endTurn(): void {
    if (this.#hasTurn && (this.broken || !this.#handle.inTransaction)) {
      this.#hasTurn = false;
      this.#turns.end();
    }
  }

  #late(cause?: unknown): TenantBusyError {
    return new TenantBusyError(this.tenantId, this.#lockTimeoutMs, { cause });
  }

  #converted(error: unknown): unknown {
    if (this.#ended.signal.aborted) {
      return this.refusal;
    }
    const { code } = error as { readonly code?: unknown };
    return this.isReadOnly && code === 'SQLITE_READONLY'
      ? new TenantReadOnlyError(this.tenantId, 'SQLite refused a write', { cause: error })
      : error;
  }

  #assertAllowed(text: string): void {
    const { tenantId, isReadOnly } = this;
    assertOneFile(tenantId, text);
    assertOwnProcess(tenantId, text);
    this.#assertStatement?.(text);
    if (isReadOnly && /\bpragma\b[\s\S]*\bquery_only\b/i.test(text)) {
      throw new TenantReadOnlyError(tenantId, '`pragma query_only` would change that');
    }
  }

  override revoke(): void {
    super.revoke();
    this.#end();
  }

  override async close(cause: CloseCause): Promise<void> {
    this.#end();
    this.listener.closed(cause);
  }

  /** Closing waits for nothing. */
  override cut(): void {
    this.#end();
  }

  #end(): void {
    if (!this.shut()) {
      return;
    }
    for (const rows of this.#streams) {
      // A file with a statement under way cannot be closed.
      rows.return?.();
    }
    this.#ended.abort(this.refusal);
    closeHandle(this.#handle);
    this.#endTurn();
  }
}

function run(handle: SqliteHandle, text: string, parameters: readonly unknown[]): StatementResult {
  const statement = handle.prepare(text);
  return statement.reader ? { rows: statement.all(parameters) } : { rows: [], ...statement.run(parameters) };
}
