import type { BudgetedConnection } from './BudgetedConnection.ts';
import type { ConnectionBudget } from './ConnectionBudget.ts';
import type { ConnectionOpener } from './ConnectionOpener.ts';
import { connectFailureOf } from './connectFailure.ts';
import type { HeldConnections } from './HeldConnections.ts';
import type { TenantShare } from './TenantShare.ts';
import { WaitingLine } from './WaitingLine.ts';

export interface AccountQueueParts<C extends BudgetedConnection> {
  readonly held: HeldConnections<C>;
  readonly share: TenantShare<C>;
  readonly opener: ConnectionOpener<C>;
  readonly budget: ConnectionBudget<C>;
  /** Has the budget look at the account again. */
  readonly dispatch: () => void;
}

/** The callers of one account that wait: for a connection of it that comes free, or for one that is opened for them. */
export class AccountQueue<C extends BudgetedConnection> {
  readonly #parts: AccountQueueParts<C>;
  readonly #line: WaitingLine<C>;

  constructor(parts: AccountQueueParts<C>) {
    this.#parts = parts;
    this.#line = new WaitingLine(parts.budget.clock, (by) => parts.budget.waits(by));
  }

  get size(): number {
    return this.#line.size;
  }

  /** Since when the first of them waits; infinity where nobody does. */
  get since(): number {
    return this.#line.since ?? Number.POSITIVE_INFINITY;
  }

  wait(signal: AbortSignal | undefined, timeoutMs: number): Promise<C> {
    if (signal?.aborted === true) {
      return Promise.reject(signal.reason);
    }
    const { budget, share, held, dispatch } = this.#parts;
    const place = this.#line.join({
      signal,
      timeoutMs,
      late: () => budget.exceeded(share, this.#lateBecause()),
      left: () => {
        this.#stopRetrying();
        dispatch();
      },
    });
    dispatch();
    const unserved = this.#line.size - held.opening;
    const refusal = unserved > 0 ? budget.refusal(share, unserved) : undefined;
    if (refusal !== undefined) {
      place.leave(refusal);
    }
    this.retryLater();
    return place.promise;
  }

  #lateBecause(): string {
    const { budget, held, opener } = this.#parts;
    const within = `within ${budget.limits.acquireTimeoutMs} ms`;
    if (held.opening > 0) {
      return `the server opened no connection ${within}`;
    }
    const isFull = connectFailureOf(opener.blocked?.error) === 'full';
    return `no connection became free ${within}${isFull ? ', and the server takes no more clients' : ''}`;
  }

  serve(connection: C): void {
    this.#line.serve(connection);
    this.#stopRetrying();
  }

  /** Without any other connection nobody else can be served either; otherwise only the first caller pays. */
  refuse(error: unknown): void {
    do {
      this.#line.refuse(error);
    } while (this.#line.size > 0 && !this.#parts.held.mayServe);
    this.#stopRetrying();
    this.retryLater();
  }

  refuseAll(error: unknown): void {
    while (this.#line.size > 0) {
      this.#line.refuse(error);
    }
    this.#stopRetrying();
  }

  /** Callers that wait for a connection in use may get one of their own once nothing is in the way any more. */
  retryLater(): void {
    if (this.#line.size > 0) {
      this.#parts.opener.whenUnblocked(() => {
        this.#parts.dispatch();
        // A timer may fire a moment early.
        this.retryLater();
      });
    }
  }

  #stopRetrying(): void {
    if (this.#line.size === 0) {
      this.#parts.opener.stopWaiting();
    }
  }
}
