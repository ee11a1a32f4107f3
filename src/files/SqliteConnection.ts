import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { BudgetedConnection, CloseCause } from '../connections/BudgetedConnection.ts';
import { LONGEST_DELAY_MS } from '../connections/Clock.ts';
import { type LeaseEnd, refusalAfter } from '../connections/LeaseEnd.ts';
import type { LeasableConnection, Lent } from '../connections/TenantPool.ts';
import { TenantBusyError, TenantReadOnlyError } from '../errors.ts';
import { assertOneFile } from './assertOneFile.ts';
import type { FileConnectionListener } from './FileAccounts.ts';
import type { FileResult } from './PooledDriver.ts';
import { closeHandle, isLocked, type SqliteHandle } from './SqliteHandle.ts';
import type { WriteTurns } from './WriteTurns.ts';

export interface SqliteConnectionParts {
  readonly tenantId: string;
  readonly handle: SqliteHandle;
  readonly isReadOnly: boolean;
  /** Of the database, for all its connections. */
  readonly turns: WriteTurns;
  /** How long a statement waits for others that write. */
  readonly lockTimeoutMs: number;
  readonly listener: FileConnectionListener<SqliteConnection>;
}

/** How long to wait before another process is asked again whether it still writes; with jitter. */
const FIRST_PAUSE_MS = 2;
const MAX_PAUSE_MS = 50;

/** After so long without a pause, a connection lets the rest of the process go on. */
const MAX_BURST_MS = 10;

const BEGINS_WRITING = /^\s*begin\s+(?:immediate|exclusive)\b/i;

/**
 * One open file of one tenant. It answers only while it is leased; one that comes back inside a transaction, or with rows
 * that nobody has read, is closed, which undoes the transaction.
 */
export class SqliteConnection implements BudgetedConnection, LeasableConnection<SqliteConnection>, Lent {
  readonly #parts: SqliteConnectionParts;
  readonly #ended = new AbortController();
  readonly #streams = new Set<IterableIterator<unknown>>();
  /** Keeps the process alive while somebody has the connection, as a socket would. */
  readonly #alive = setInterval(() => {}, LONGEST_DELAY_MS).unref();
  #isLeased = false;
  #isClosed = false;
  #hasTurn = false;
  #underWay = 0;
  #burstSince: number | undefined;
  #leaseEnd: LeaseEnd = { is: 'released' };

  constructor(parts: SqliteConnectionParts) {
    this.#parts = parts;
  }

  /** A file does not hang up. */
  get broken(): boolean {
    return this.#isClosed;
  }

  lease(): this {
    this.#isLeased = true;
    this.#alive.ref();
    return this;
  }

  /**
   * Sends one statement. Where another connection writes, it waits, and rejects with `TenantBusyError` after
   * `lockTimeoutMs`; the process goes on meanwhile.
   */
  async query(text: string, parameters: readonly unknown[]): Promise<FileResult> {
    this.#assertLeased();
    this.#assertAllowed(text);
    this.#underWay += 1;
    try {
      await this.#letOthersGoOn();
      return await this.#send(text, parameters);
    } catch (error) {
      throw this.#converted(error);
    } finally {
      this.#underWay -= 1;
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

  async #send(text: string, parameters: readonly unknown[]): Promise<FileResult> {
    const { handle, lockTimeoutMs } = this.#parts;
    const deadline = performance.now() + lockTimeoutMs;
    if (BEGINS_WRITING.test(text) && !handle.inTransaction) {
      await this.#takeTurn(deadline);
    }
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      this.#assertLeased();
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
  async *stream(text: string, parameters: readonly unknown[]): AsyncIterableIterator<unknown> {
    this.#assertLeased();
    this.#assertAllowed(text);
    const rows = this.#parts.handle.prepare(text).iterate(parameters);
    this.#streams.add(rows);
    try {
      for (const row of rows) {
        yield row;
        await this.#letOthersGoOn();
        this.#assertLeased();
      }
    } finally {
      this.#streams.delete(rows);
    }
  }

  async #takeTurn(deadline: number): Promise<void> {
    if (!this.#hasTurn) {
      await this.#parts.turns.take({
        timeoutMs: Math.max(0, deadline - performance.now()),
        signal: this.#ended.signal,
        late: () => this.#late(),
      });
      this.#hasTurn = true;
    }
  }

  /** What is not in a transaction has written what it writes. */
  #endTurn(): void {
    if (this.#hasTurn && (this.#isClosed || !this.#parts.handle.inTransaction)) {
      this.#hasTurn = false;
      this.#parts.turns.end();
    }
  }

  #late(cause?: unknown): TenantBusyError {
    return new TenantBusyError(this.#parts.tenantId, this.#parts.lockTimeoutMs, { cause });
  }

  #converted(error: unknown): unknown {
    const { tenantId, isReadOnly } = this.#parts;
    if (this.#ended.signal.aborted) {
      return refusalAfter(this.#leaseEnd, tenantId);
    }
    const { code } = error as { readonly code?: unknown };
    return isReadOnly && code === 'SQLITE_READONLY'
      ? new TenantReadOnlyError(tenantId, 'SQLite refused a write', { cause: error })
      : error;
  }

  #assertAllowed(text: string): void {
    const { tenantId, isReadOnly } = this.#parts;
    assertOneFile(tenantId, text);
    if (isReadOnly && /\bpragma\b[\s\S]*\bquery_only\b/i.test(text)) {
      throw new TenantReadOnlyError(tenantId, '`pragma query_only` would change that');
    }
  }

  #assertLeased(): void {
    if (!this.#isLeased || this.#isClosed) {
      throw refusalAfter(this.#leaseEnd, this.#parts.tenantId);
    }
  }

  /** Ends the lease. Does nothing when the pool took the connection back already. */
  release(): void {
    if (!this.#isLeased) {
      return;
    }
    this.#isLeased = false;
    this.#alive.unref();
    const { handle, listener } = this.#parts;
    const isBusy = this.#underWay > 0 || this.#streams.size > 0;
    const isTainted = isBusy || handle.inTransaction;
    if (isTainted) {
      listener.tainted(isBusy ? 'busy' : 'T');
    }
    listener.released(this, isTainted);
  }

  revoke(): void {
    this.#isLeased = false;
    this.#leaseEnd = { is: 'revoked' };
    this.#end();
  }

  async check(): Promise<boolean> {
    return !this.#isClosed;
  }

  async close(cause: CloseCause): Promise<void> {
    this.#end();
    this.#parts.listener.closed(cause);
  }

  /** Closing waits for nothing. */
  cut(): void {
    this.#end();
  }

  #end(): void {
    if (this.#isClosed) {
      return;
    }
    this.#isLeased = false;
    this.#isClosed = true;
    clearInterval(this.#alive);
    for (const rows of this.#streams) {
      // A file with a statement under way cannot be closed.
      rows.return?.();
    }
    this.#ended.abort(refusalAfter(this.#leaseEnd, this.#parts.tenantId));
    closeHandle(this.#parts.handle);
    this.#endTurn();
  }
}

function run(handle: SqliteHandle, text: string, parameters: readonly unknown[]): FileResult {
  const statement = handle.prepare(text);
  return statement.reader ? { rows: statement.all(parameters) } : { rows: [], ...statement.run(parameters) };
}
