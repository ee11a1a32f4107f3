import type { PGlite } from '@electric-sql/pglite';
import { assertReadsOnly } from '../connections/assertReadsOnly.ts';
import type { CloseCause } from '../connections/BudgetedConnection.ts';
import type { LeasedConnectionParts } from '../databases/LeasedConnection.ts';
import type { StatementResult } from '../databases/PooledDriver.ts';
import { TenantReadOnlyError } from '../errors.ts';
import { FileConnection } from '../files/FileConnection.ts';

/** SQLSTATE read_only_sql_transaction. */
const READ_ONLY_TRANSACTION = '25006';

export interface PgliteConnectionParts extends LeasedConnectionParts<PgliteConnection> {
  readonly pglite: PGlite;
  /** Called once it is closed. */
  readonly closed: () => Promise<void>;
}

/** One tenant's PGlite, which is its only session. */
export class PgliteConnection extends FileConnection<PgliteConnection> {
  readonly #pglite: PGlite;
  readonly #closed: () => Promise<void>;

  constructor({ pglite, closed, ...parts }: PgliteConnectionParts) {
    super(parts);
    this.#pglite = pglite;
    this.#closed = closed;
  }

  protected override get isInTransaction(): boolean {
    return this.#pglite.isInTransaction();
  }

  override async query(text: string, parameters: readonly unknown[]): Promise<StatementResult> {
    const { tenantId, isReadOnly } = this;
    this.assertLeased();
    if (isReadOnly) {
      assertReadsOnly(tenantId, text, false);
    }
    this.underWay += 1;
    try {
      const { rows, affectedRows } = await this.#pglite.query(text, [...parameters]);
      return { rows, changes: affectedRows };
    } catch (error) {
      if (this.isRevoked) {
        throw this.refusal;
      }
      if (isReadOnly && (error as { readonly code?: unknown }).code === READ_ONLY_TRANSACTION) {
        throw new TenantReadOnlyError(tenantId, 'PGlite refused a write', { cause: error });
      }
      throw error;
    } finally {
      this.underWay -= 1;
    }
  }

  /** PGlite has no cursor for clients: all rows are read, and given one by one. */
  override async *stream(text: string, parameters: readonly unknown[]): AsyncIterableIterator<unknown> {
    const { rows } = await this.query(text, parameters);
    for (const row of rows) {
      yield row;
      this.assertLeased();
    }
  }

  /** A statement is synchronous inside of PGlite, so that it is over by now; what is in a transaction is undone. */
  override async close(cause: CloseCause): Promise<void> {
    this.shut();
    try {
      await this.#pglite.close();
      await this.#closed();
    } catch {
      // There is nobody to tell. A folder that could not be let go is taken by the next process.
    }
    this.listener.closed(cause);
  }

  override cut(): void {}
}
