import type { Clock } from './Clock.ts';

export interface WaitOptions {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  /** Makes the error of a caller whose time is over, while it still waits. */
  readonly late: () => unknown;
  /** Called when a caller gave up by itself, by its signal or its deadline. */
  readonly left: () => void;
}

/** One caller's place in the line. */
export interface Place<C> {
  readonly promise: Promise<C>;
  /** Gives the place up, if it is still held: the promise rejects. */
  leave(error: unknown): void;
}

interface Waiter<C> {
  readonly since: number;
  readonly resolve: (connection: C) => void;
  readonly reject: (error: unknown) => void;
  readonly stopWaiting: () => void;
}

/** Callers that wait for a connection of one tenant, first-in first-out, each with a deadline and a signal. */
export class WaitingLine<C> {
  readonly #clock: Clock;
  readonly #onCount: (by: 1 | -1) => void;
  readonly #waiters = new Set<Waiter<C>>();

  constructor(clock: Clock, onCount: (by: 1 | -1) => void) {
    this.#clock = clock;
    this.#onCount = onCount;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Since when the first of them waits. */
  get since(): number | undefined {
    const [first] = this.#waiters;
    return first?.since;
  }

  join({ signal, timeoutMs, late, left }: WaitOptions): Place<C> {
    const { promise, resolve, reject } = Promise.withResolvers<C>();
    const giveUp = (error: unknown): void => {
      this.#remove(waiter);
      reject(error);
      left();
    };
    const onAbort = (): void => giveUp(signal?.reason);
    const cancelDeadline = this.#clock.schedule(timeoutMs, () => giveUp(late()));
    const stopWaiting = (): void => {
      cancelDeadline();
      signal?.removeEventListener('abort', onAbort);
    };
    const waiter: Waiter<C> = { since: this.#clock.now(), resolve, reject, stopWaiting };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#waiters.add(waiter);
    this.#onCount(1);
    const leave = (error: unknown): void => {
      if (this.#waiters.has(waiter)) {
        giveUp(error);
      }
    };
    return { promise, leave };
  }

  /** Gives `connection` to the first caller, if there is one. */
  serve(connection: C): void {
    const [first] = this.#waiters;
    if (first !== undefined) {
      this.#remove(first);
      first.resolve(connection);
    }
  }

  /** Turns the first caller away, if there is one. */
  refuse(error: unknown): void {
    const [first] = this.#waiters;
    if (first !== undefined) {
      this.#remove(first);
      first.reject(error);
    }
  }

  #remove(waiter: Waiter<C>): void {
    if (this.#waiters.delete(waiter)) {
      this.#onCount(-1);
    }
    waiter.stopWaiting();
  }
}
