/** What a catalogue needs of a clock: the `Clock` of the connections, by its shape. */
export interface CatalogClock {
  now(): number;
  schedule(delayMs: number, fn: () => void): () => void;
}

export const catalogClock: CatalogClock = Object.freeze({
  now: () => performance.now(),
  schedule(delayMs: number, fn: () => void): () => void {
    const timer = setTimeout(fn, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
});
