/* oxlint-disable unicorn/no-thenable -- a promise has a `then` */
import { AsyncLocalStorage } from 'node:async_hooks';

const outside = AsyncLocalStorage.snapshot();

/**
 * A promise that belongs to no request, nor does any that follows from it. In Node.js 22 a promise holds the async
 * context in which it was made.
 */
class ContextFreePromise<T> extends Promise<T> {
  // biome-ignore lint/suspicious/noThenProperty: a promise has it, and what it gives must be made outside as well
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return outside(() => super.then(onFulfilled, onRejected));
  }
}

/** What `work` gives, in a promise that somebody may keep for long without keeping the request that asked for it. */
export function contextFree<T>(work: () => Promise<T>): Promise<T> {
  return outside(() => ContextFreePromise.resolve(work()));
}
