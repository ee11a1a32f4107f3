/** Runs the work of one key one piece after the other; different keys do not wait for each other. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** How many keys have work. */
  get size(): number {
    return this.#tails.size;
  }

  run<R>(key: string, work: () => Promise<R>): Promise<R> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const result = before.then(work, work);
    this.#tails.set(key, result);
    const forget = (): void => {
      if (this.#tails.get(key) === result) {
        this.#tails.delete(key);
      }
    };
    result.then(forget, forget);
    return result;
  }
}
