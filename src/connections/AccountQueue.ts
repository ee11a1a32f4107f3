import type { BudgetedConnection } from './BudgetedConnection.ts';
import type { ConnectionBudget } from './ConnectionBudget.ts';
import type { ConnectionOpener } from './ConnectionOpener.ts';
import { connectFailureOf } from './connectFailure.ts';
import type { HeldConnections } from './HeldConnections.ts';
import { SingleTimer } from './SingleTimer.ts';
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
  readonly #patience: SingleTimer;
  #isImpatient = false;
  /** Since when the first caller may have waited: an opening that came to its end begins it anew. */
  #waitsAnewSince = 0;

  constructor(parts: AccountQueueParts<C>) {
    this.#parts = parts;
    const { budget } = parts;
    this.#patience = new SingleTimer((delayMs, fn) => budget.outside(() => budget.clock.schedule(delayMs, fn)));
    this.#line = new WaitingLine(parts.budget.clock, (by) => parts.budget.waits(by));
  }

  get size(): number {
    return this.#line.size;
  }

  /** Since when the first of them waits; infinity where nobody does. */
  get since(): number {
    return this.#line.since ?? Number.POSITIVE_INFINITY;
  }

  /** Whether the first caller has waited for longer than another connection would take. */
  get isImpatient(): boolean {
    return this.#isImpatient;
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
        this.#stopTimers();
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
    this.#waitPatiently();
    return place.promise;
  }

  /** The first caller loses patience after some time, unless it is served or another connection comes before. */
  #waitPatiently(): void {
    const { budget, dispatch } = this.#parts;
    if (this.#line.size > 0 && !this.#isImpatient) {
      const dueInMs = Math.max(this.since, this.#waitsAnewSince) + budget.patienceMs - budget.clock.now();
      this.#patience.after(Math.max(0, dueInMs), () => {
        this.#isImpatient = true;
        dispatch();
      });
    }
  }

  #beginPatience(): void {
    this.#isImpatient = false;
    this.#patience.cancel();
    this.#waitPatiently();
  }

  /** An opening came to its end: whoever still waits is patient again. */
  waitAnew(): void {
    this.#waitsAnewSince = this.#parts.budget.clock.now();
    this.#beginPatience();
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
    this.#stopTimers();
    this.#beginPatience();
  }

  /** Without any other connection nobody else can be served either; otherwise only the first caller pays. */
  refuse(error: unknown): void {
    do {
      this.#line.refuse(error);
    } while (this.#line.size > 0 && !this.#parts.held.mayServe);
    this.#stopTimers();
    this.retryLater();
  }

  refuseAll(error: unknown): void {
    while (this.#line.size > 0) {
      this.#line.refuse(error);
    }
    this.#stopTimers();
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

  #stopTimers(): void {
    if (this.#line.size === 0) {
      this.#parts.opener.stopWaiting();
      this.#patience.cancel();
      this.#isImpatient = false;
    }
  }
}
