import type { BudgetedConnection, CloseCause } from '../connections/BudgetedConnection.ts';
import { type LeaseEnd, refusalAfter } from '../connections/LeaseEnd.ts';
import type { LeasableConnection, Lent } from '../connections/TenantPool.ts';
import type { LentDatabase, StatementResult } from './PooledDriver.ts';

/** Hears of what becomes of a connection. */
export interface ConnectionListener<C> {
  readonly released: (connection: C, destroy: boolean) => void;
  /** In which state it was left: `busy`, or `T` in a transaction. */
  readonly tainted: (transaction: string) => void;
  readonly broke: (connection: C) => void;
  readonly closed: (cause: CloseCause) => void;
}

export interface LeasedConnectionParts<C> {
  readonly tenantId: string;
  readonly isReadOnly: boolean;
  readonly listener: ConnectionListener<C>;
}

/**
 * One connection to one tenant's database. It answers only while it is leased; one that comes back inside a transaction, or
 * with a statement under way or rows that nobody has read, is closed, which undoes the transaction.
 */
export abstract class LeasedConnection<C extends LeasedConnection<C>>
  implements BudgetedConnection, LeasableConnection<LeasedConnection<C>>, Lent, LentDatabase
{
  protected readonly tenantId: string;
  protected readonly isReadOnly: boolean;
  protected readonly listener: ConnectionListener<C>;
  /** Statements that have not come to their end. */
  protected underWay = 0;
  #isLeased = false;
  #isClosed = false;
  #leaseEnd: LeaseEnd = { is: 'released' };

  protected constructor({ tenantId, isReadOnly, listener }: LeasedConnectionParts<C>) {
    this.tenantId = tenantId;
    this.isReadOnly = isReadOnly;
    this.listener = listener;
  }

  abstract query(text: string, parameters: readonly unknown[]): Promise<StatementResult>;
  abstract stream(text: string, parameters: readonly unknown[]): AsyncIterableIterator<unknown>;
  abstract close(cause: CloseCause): Promise<void>;
  abstract cut(): void;
  protected abstract get isInTransaction(): boolean;

  /** Whether nothing can be sent on it any more. */
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
    return this;
  }

  protected get isLeased(): boolean {
    return this.#isLeased;
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
    const { isBusy, listener } = this;
    if (isBusy || this.isInTransaction) {
      listener.tainted(isBusy ? 'busy' : 'T');
      listener.released(this as unknown as C, true);
    } else {
      this.giveBack();
    }
  }

  /** Gives back what was left as it was found. */
  protected giveBack(): void {
    this.listener.released(this as unknown as C, false);
  }

  revoke(): void {
    this.endLease({ is: 'revoked' });
  }

  /** Ends the lease from outside. What is sent then is refused for this reason. */
  protected endLease(end: LeaseEnd): void {
    this.#isLeased = false;
    this.#leaseEnd = end;
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
    return wasOpen;
  }
}
