import { ConnectDeadlineError } from './connectFailure.ts';

/** The time of one attempt to connect. */
export class Attempt {
  readonly #stopped = Promise.withResolvers<never>();
  readonly #timer: NodeJS.Timeout;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#stopped.reject(this.#signal?.reason);

  constructor(timeoutMs: number, signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.#timer = setTimeout(() => this.#stopped.reject(new ConnectDeadlineError(timeoutMs)), timeoutMs);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (signal?.aborted === true) {
      this.#onAbort();
    }
    // It may be stopped while nothing waits for it.
    this.#stopped.promise.catch(() => {});
  }

  within<R>(work: Promise<R>): Promise<R> {
    return Promise.race([this.#stopped.promise, work]);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}
