import type { BudgetedConnection, CloseCause } from '../connections/BudgetedConnection.ts';
import { LONGEST_DELAY_MS } from '../connections/Clock.ts';
import { type LeaseEnd, refusalAfter } from '../connections/LeaseEnd.ts';
import type { LeasableConnection, Lent } from '../connections/TenantPool.ts';
import type { FileConnectionListener } from './FolderServer.ts';
import type { FileResult, LentFile } from './PooledDriver.ts';

export interface FileConnectionParts<C> {
  readonly tenantId: string;
  readonly isReadOnly: boolean;
  readonly listener: FileConnectionListener<C>;
}

/**
 * One tenant's database, opened in this process. It answers only while it is leased; one that comes back inside a transaction,
 * or with a statement under way or rows that nobody has read, is closed, which undoes the transaction.
 */
export abstract class FileConnection<C extends FileConnection<C>>
  implements BudgetedConnection, LeasableConnection<FileConnection<C>>, Lent, LentFile
{
  protected readonly tenantId: string;
  protected readonly isReadOnly: boolean;
  protected readonly listener: FileConnectionListener<C>;
  /** Statements that have not come to their end. */
  protected underWay = 0;
  /** Keeps the process alive while somebody has the connection, as a socket would. */
  readonly #alive = setInterval(() => {}, LONGEST_DELAY_MS).unref();
  #isLeased = false;
  #isClosed = false;
  #leaseEnd: LeaseEnd = { is: 'released' };

  protected constructor({ tenantId, isReadOnly, listener }: FileConnectionParts<C>) {
    this.tenantId = tenantId;
    this.isReadOnly = isReadOnly;
    this.listener = listener;
  }

  abstract query(text: string, parameters: readonly unknown[]): Promise<FileResult>;
  abstract stream(text: string, parameters: readonly unknown[]): AsyncIterableIterator<unknown>;
  abstract close(cause: CloseCause): Promise<void>;
  abstract cut(): void;
  protected abstract get isInTransaction(): boolean;

  /** A file does not hang up. */
  get broken(): boolean {
    return this.#isClosed;
  }

  protected get isBusy(): boolean {
    return this.underWay > 0;
  }

  /** Why no statement can be sent after the lease. */
  protected get refusal(): Error {
    return refusalAfter(this.#leaseEnd, this.tenantId);
  }

  lease(): this {
    this.#isLeased = true;
    this.#alive.ref();
    return this;
  }

  protected assertLeased(): void {
    if (!this.#isLeased || this.#isClosed) {
      throw this.refusal;
    }
  }

  /** Ends the lease. Does nothing when the pool took the connection back already. */
  release(): void {
    if (!this.#isLeased) {
      return;
    }
    this.#isLeased = false;
    this.#alive.unref();
    const { isBusy, listener } = this;
    const isTainted = isBusy || this.isInTransaction;
    if (isTainted) {
      listener.tainted(isBusy ? 'busy' : 'T');
    }
    listener.released(this as unknown as C, isTainted);
  }

  revoke(): void {
    this.#isLeased = false;
    this.#leaseEnd = { is: 'revoked' };
  }

  protected get isRevoked(): boolean {
    return this.#leaseEnd.is === 'revoked';
  }

  async check(): Promise<boolean> {
    return !this.#isClosed;
  }

  /** Has nothing answer any more. Gives whether it did until now. */
  protected shut(): boolean {
    const wasOpen = !this.#isClosed;
    this.#isLeased = false;
    this.#isClosed = true;
    clearInterval(this.#alive);
    return wasOpen;
  }
}
