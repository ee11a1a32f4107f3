import type { PGlite } from '@electric-sql/pglite';
import { assertReadsOnly } from '../connections/assertReadsOnly.ts';
import type { BudgetedConnection, CloseCause } from '../connections/BudgetedConnection.ts';
import { LONGEST_DELAY_MS } from '../connections/Clock.ts';
import { type LeaseEnd, refusalAfter } from '../connections/LeaseEnd.ts';
import type { LeasableConnection, Lent } from '../connections/TenantPool.ts';
import { TenantReadOnlyError } from '../errors.ts';
import type { FileConnectionListener } from '../files/FileAccounts.ts';
import type { FileResult } from '../files/PooledDriver.ts';

/** SQLSTATE read_only_sql_transaction. */
const READ_ONLY_TRANSACTION = '25006';

export interface PgliteConnectionParts {
  readonly tenantId: string;
  readonly pglite: PGlite;
  readonly isReadOnly: boolean;
  readonly listener: FileConnectionListener<PgliteConnection>;
  /** Called once it is closed. */
  readonly closed: () => Promise<void>;
}

/**
 * One tenant's PGlite, which is its only session. It answers only while it is leased; where it comes back inside a
 * transaction or with a statement under way, it is closed.
 */
export class PgliteConnection implements BudgetedConnection, LeasableConnection<PgliteConnection>, Lent {
  readonly #parts: PgliteConnectionParts;
  /** Keeps the process alive while somebody has the connection, as a socket would. */
  readonly #alive = setInterval(() => {}, LONGEST_DELAY_MS).unref();
  #isLeased = false;
  #isClosed = false;
  #underWay = 0;
  #leaseEnd: LeaseEnd = { is: 'released' };

  constructor(parts: PgliteConnectionParts) {
    this.#parts = parts;
  }

  get broken(): boolean {
    return this.#isClosed;
  }

  lease(): this {
    this.#isLeased = true;
    this.#alive.ref();
    return this;
  }

  async query(text: string, parameters: readonly unknown[]): Promise<FileResult> {
    const { tenantId, pglite, isReadOnly } = this.#parts;
    this.#assertLeased();
    if (isReadOnly) {
      assertReadsOnly(tenantId, text, false);
    }
    this.#underWay += 1;
    try {
      const { rows, affectedRows } = await pglite.query(text, [...parameters]);
      return { rows, changes: affectedRows };
    } catch (error) {
      if (this.#leaseEnd.is === 'revoked') {
        throw refusalAfter(this.#leaseEnd, tenantId);
      }
      if (isReadOnly && (error as { readonly code?: unknown }).code === READ_ONLY_TRANSACTION) {
        throw new TenantReadOnlyError(tenantId, 'PGlite refused a write', { cause: error });
      }
      throw error;
    } finally {
      this.#underWay -= 1;
    }
  }

  /** PGlite has no cursor for clients: all rows are read, and given one by one. */
  async *stream(text: string, parameters: readonly unknown[]): AsyncIterableIterator<unknown> {
    const { rows } = await this.query(text, parameters);
    for (const row of rows) {
      yield row;
      this.#assertLeased();
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
    const { pglite, listener } = this.#parts;
    const isBusy = this.#underWay > 0;
    const isTainted = isBusy || pglite.isInTransaction();
    if (isTainted) {
      listener.tainted(isBusy ? 'busy' : 'T');
    }
    listener.released(this, isTainted);
  }

  revoke(): void {
    this.#isLeased = false;
    this.#leaseEnd = { is: 'revoked' };
  }

  async check(): Promise<boolean> {
    return !this.#isClosed;
  }

  /** A statement is synchronous inside of PGlite, so that it is over by now; what is in a transaction is undone. */
  async close(cause: CloseCause): Promise<void> {
    this.#isLeased = false;
    this.#isClosed = true;
    clearInterval(this.#alive);
    try {
      await this.#parts.pglite.close();
      await this.#parts.closed();
    } catch {
      // There is nobody to tell. A folder that could not be let go is taken by the next process.
    }
    this.#parts.listener.closed(cause);
  }

  cut(): void {}
}
