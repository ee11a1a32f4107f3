import type { TenancyEmitter } from '../events.ts';

/** Counts the requests that got no tenant, by the code of their error. */
export class RefusalCounts {
  readonly #counts = new Map<string, number>();

  constructor(events: TenancyEmitter) {
    events.on('resolution:refused', ({ code }) => this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1));
  }

  /** As in `{ TENANT_NOT_FOUND: 12, TENANT_AMBIGUOUS: 1 }`. */
  stats(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
