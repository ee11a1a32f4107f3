/** Time, handed in wherever something waits, so that tests can hold it. */
export interface Clock {
  /** Milliseconds from any fixed point; never goes back. */
  now(): number;
  /** Calls `fn` once after `delayMs`. The function returned cancels it. A pending timer keeps no process alive. */
  schedule(delayMs: number, fn: () => void): () => void;
}

/** Node.js calls a timer with a longer delay after one millisecond. */
export const LONGEST_DELAY_MS = 2 ** 31 - 1;

export const systemClock: Clock = Object.freeze({
  now: () => performance.now(),
  schedule(delayMs: number, fn: () => void): () => void {
    const timer = setTimeout(fn, Math.min(delayMs, LONGEST_DELAY_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
});
