import type { ServerResponse } from 'node:http';
import { ClientGoneError } from '../errors.ts';

/** Who sent a request, and may hang up. The signal is made when it is first read, which few requests do. */
export class RequestClient {
  readonly #res: ServerResponse;
  readonly #ended: Promise<void>;
  #signal: AbortSignal | undefined;

  /** `ended` resolves once the response has been sent or its client is gone. */
  constructor(res: ServerResponse, ended: Promise<void>) {
    this.#res = res;
    this.#ended = ended;
  }

  /** Aborted once the client is gone without the whole response. */
  get signal(): AbortSignal {
    this.#signal ??= this.#watch();
    return this.#signal;
  }

  #watch(): AbortSignal {
    const controller = new AbortController();
    void this.#ended.then(() => {
      if (!this.#res.writableFinished) {
        controller.abort(new ClientGoneError());
      }
    });
    return controller.signal;
  }
}
