/**
 * The end of one response: it has been sent, or its client is gone. Callbacks and not a promise or an AbortSignal:
 * there is one for every request, and those are dear.
 */
export class ResponseEnd {
  readonly #listeners: (() => void)[] = [];
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
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
}
