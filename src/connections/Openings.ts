import type { Clock } from './Clock.ts';

/** After this time an opening is held up by something of its own, and stands in nobody else's way. */
const SLOW_AFTER_MS = 500;
/** What opening a connection takes at least, as far as waiting for one in use is weighed against it. */
const LEAST_MS = 10;
/** How much of the typical time the last opening is. */
const NEWEST = 0.2;

/**
 * The connections that are being opened to one server. A server forks a process for each, so that many at once take as
 * long as one after the other, and hold room meanwhile in which connections could be in use.
 */
export class Openings {
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #outside: <R>(fn: () => R) => R;
  readonly #onRoom: () => void;
  #underWay = 0;
  #typicalMs = LEAST_MS;

  /** `onRoom` hears of an opening that takes so long that it does not count any more. */
  constructor(limit: number, clock: Clock, outside: <R>(fn: () => R) => R, onRoom: () => void) {
    this.#limit = limit;
    this.#clock = clock;
    this.#outside = outside;
    this.#onRoom = onRoom;
  }

  /** Whether another one, with so many closing ones before it, would be one too many. */
  isFull(closing = 0): boolean {
    return this.#underWay + closing >= this.#limit;
  }

  /** How long opening a connection took of late, 10 to 500 ms. */
  get typicalMs(): number {
    return this.#typicalMs;
  }

  /** Counts an opening. Call what it returns once the opening has come to its end. */
  begin(): (isOpen: boolean) => void {
    const startedAt = this.#clock.now();
    let isCounted = true;
    this.#underWay += 1;
    const stopCounting = (): void => {
      this.#underWay -= isCounted ? 1 : 0;
      isCounted = false;
    };
    const cancel = this.#outside(() =>
      this.#clock.schedule(SLOW_AFTER_MS, () => {
        stopCounting();
        this.#onRoom();
      }),
    );
    return (isOpen) => {
      cancel();
      stopCounting();
      if (isOpen) {
        this.#learn(this.#clock.now() - startedAt);
      }
    };
  }

  #learn(tookMs: number): void {
    const typicalMs = (1 - NEWEST) * this.#typicalMs + NEWEST * tookMs;
    this.#typicalMs = Math.min(SLOW_AFTER_MS, Math.max(LEAST_MS, typicalMs));
  }
}
