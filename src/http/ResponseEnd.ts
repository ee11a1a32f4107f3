import type { ServerResponse } from 'node:http';
import { ClientGoneError } from '../errors.ts';

/**
 * The end of one response: it has been sent, or its client is gone. Callbacks and not a promise or an AbortSignal:
 * there is one for every request, and those are dear.
 */
export class ResponseEnd {
  readonly #res: ServerResponse;
  readonly #listeners: (() => void)[] = [];
  #isOver = false;
  #signal: AbortSignal | undefined;

  constructor(res: ServerResponse) {
    this.#res = res;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Aborted once the client is gone without the whole response. Made when it is first read, which few requests do. */
  get signal(): AbortSignal {
    this.#signal ??= this.#watch();
    return this.#signal;
  }

  /** Calls `listener` once: when the response is over, or now if it is. */
  whenOver(listener: () => void): void {
    if (this.#isOver) {
      listener();
    } else {
      this.#listeners.push(listener);
    }
  }

  /** Called by whatever ends the response first; a second end changes nothing. */
  end(): void {
    if (!this.#isOver) {
      this.#isOver = true;
      for (const listener of this.#listeners) {
        listener();
      }
    }
  }

  #watch(): AbortSignal {
    const controller = new AbortController();
    this.whenOver(() => {
      if (!this.#res.writableFinished) {
        controller.abort(new ClientGoneError());
      }
    });
    return controller.signal;
  }
}
