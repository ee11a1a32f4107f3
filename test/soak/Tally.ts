import { inspect } from 'node:util';

const KEPT = 20;

/** Counts of what happened, and the first of what must not. */
export class Tally {
  requests = 0;
  /** Requests for whose tenants and servers nothing was under way. */
  undisturbed = 0;
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #times = new Map<string, { readonly count: number; readonly sumMs: number; readonly maxMs: number }>();
  readonly #last = new Map<string, string>();
  readonly #complaints: string[] = [];
  #complained = 0;

  /** One more of `what`, among all of this kind. */
  count(kind: string, what: string): void {
    const of = this.#counts.get(kind) ?? new Map<string, number>();
    this.#counts.set(kind, of.set(what, (of.get(what) ?? 0) + 1));
  }

  /** An error by its code, with what it says, for whoever reads a complaint about the next one. */
  error(code: string, error: unknown): void {
    this.count('errors of the app', code);
    this.#last.set(code, error instanceof Error ? error.message : inspect(error));
  }

  lastOf(code: string): string {
    return this.#last.get(code) ?? 'nothing was said';
  }

  /** What somebody is about, for the case that it never ends. */
  readonly doing = new Map<string, string>();

  /** How long one of this kind took. */
  took(what: string, ms: number): void {
    const { count, sumMs, maxMs } = this.#times.get(what) ?? { count: 0, sumMs: 0, maxMs: 0 };
    this.#times.set(what, { count: count + 1, sumMs: sumMs + ms, maxMs: Math.max(maxMs, ms) });
  }

  get times(): Readonly<Record<string, { readonly count: number; readonly meanMs: number; readonly maxMs: number }>> {
    const rounded = [...this.#times].map(([what, { count, sumMs, maxMs }]) => [
      what,
      { count, meanMs: Math.round(sumMs / count), maxMs: Math.round(maxMs) },
    ]);
    return Object.fromEntries(rounded);
  }

  counts(kind: string): Readonly<Record<string, number>> {
    return Object.fromEntries([...(this.#counts.get(kind) ?? [])].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  /** Something that no library of this kind may do. Told at once, for a long soak may be stopped then. */
  complain(what: 'mismatch' | 'unannounced' | 'leftover', why: string): void {
    this.count('complaints', what);
    this.#complained += 1;
    if (this.#complaints.length < KEPT) {
      this.#complaints.push(`${what}: ${why}`);
      console.error(`${what}: ${why}`);
    }
  }

  get complained(): number {
    return this.#complained;
  }

  get complaints(): readonly string[] {
    return this.#complaints;
  }
}
