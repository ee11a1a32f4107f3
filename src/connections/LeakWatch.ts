import { AsyncLocalStorage } from 'node:async_hooks';
import { type Clock, systemClock } from './Clock.ts';

/** Hears that a connection has been held for longer than it should. */
export type OnLeak = (heldForMs: number, stack: string) => void;

/** MikroORM and Kysely have some twenty frames of their own between a query and its connection. */
const FRAMES = 60;

/** Reports connections that are held for too long, with the stack of whoever acquired them. */
export class LeakWatch {
  readonly #afterMs: number;
  readonly #onLeak: OnLeak;
  readonly #clock: Clock;
  readonly #outside = AsyncLocalStorage.snapshot();

  constructor(afterMs: number, onLeak: OnLeak, clock: Clock = systemClock) {
    this.#afterMs = afterMs;
    this.#onLeak = onLeak;
    this.#clock = clock;
  }

  /** Begins to watch one lease. The function returned ends that. Keeps nothing of the caller but its stack as text. */
  begin(stack: string): () => void {
    const since = this.#clock.now();
    return this.#outside(() =>
      this.#clock.schedule(this.#afterMs, () => this.#onLeak(this.#clock.now() - since, stack)),
    );
  }
}

/** The stack of the code that calls this, beyond `above`, with its async callers. */
export function stackAbove(above: (...args: never[]) => unknown): string {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = FRAMES;
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, above);
  const { stack = '' } = holder;
  Error.stackTraceLimit = stackTraceLimit;
  return stack.replace(/^.*\n/, '');
}
