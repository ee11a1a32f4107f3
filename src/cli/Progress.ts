import type { Out } from './CliIo.ts';

export interface ProgressParts {
  readonly out: Out;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  readonly total: number;
}

/** How far a piece of work over many tenants is: one line that changes on a terminal, a line for each tenant elsewhere. */
export class Progress {
  readonly #parts: ProgressParts;
  readonly #startedAt: number;
  #total: number;
  #done = 0;
  #failed = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #isDrawn = false;

  constructor(parts: ProgressParts) {
    this.#parts = parts;
    this.#total = parts.total;
    this.#startedAt = parts.now();
  }

  /** One tenant is through. `totals`: how many there are, and are through, where others work on them too. */
  settled(
    tenantId: string,
    what: string,
    {
      failed = false,
      total,
      done,
    }: { readonly failed?: boolean; readonly total?: number; readonly done?: number } = {},
  ): void {
    this.#done = done ?? this.#done + 1;
    this.#total = total ?? this.#total;
    this.#failed += failed ? 1 : 0;
    const { out } = this.#parts;
    if (out.isTTY !== true) {
      out.write(`${tenantId}: ${what}\n`);
      return;
    }
    if (failed) {
      this.#clear();
      out.write(`${tenantId}: ${what}\n`);
    }
    this.#draw();
  }

  /** Leaves no half line behind. */
  end(): void {
    this.#clear();
  }

  get line(): string {
    const seconds = Math.max((this.#parts.now() - this.#startedAt) / 1_000, 0.001);
    const rate = this.#done / seconds;
    const left = rate > 0 ? (this.#total - this.#done) / rate : 0;
    const failures = this.#failed === 0 ? '' : ` · ${this.#failed} failed`;
    const percent = this.#total === 0 ? 100 : Math.floor((this.#done / this.#total) * 100);
    return `${this.#done} of ${this.#total} (${percent} %)${failures} · ${rate.toFixed(1)} a second · ${duration(left)} left`;
  }

  /** Ten times a second is enough for eyes. */
  #draw(): void {
    const now = this.#parts.now();
    if (now - this.#drawnAt >= 100 || this.#done === this.#total) {
      this.#drawnAt = now;
      this.#clear();
      this.#parts.out.write(this.line.slice(0, (this.#parts.out.columns ?? 80) - 1));
      this.#isDrawn = true;
    }
  }

  #clear(): void {
    if (this.#isDrawn) {
      this.#parts.out.write('\r\u001b[2K');
      this.#isDrawn = false;
    }
  }
}

/** `42 s`, `3 min 5 s` or `2 h 10 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) {
    return `${whole} s`;
  }
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
