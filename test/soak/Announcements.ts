/** What somebody is doing to tenants or to a server, for which requests may be refused or fail. */
export type Condition =
  | 'suspended'
  | 'readonly'
  | 'maintenance'
  | 'archived'
  | 'moving'
  | 'killed'
  | 'network'
  | 'catalog';

/** Whom every request needs, beside its tenants and their servers. */
export const CATALOG = 'the catalogue';

/** What a connection that is cut makes of the requests that were on it, or wanted one. */
const CUT = ['CONNECTION_LOST', 'BODY_CUT', 'TENANT_CONNECTION_FAILED', 'TENANT_OPEN_FAILED'] as const;

/** Which answers each condition explains. Everything else it must not cause: evictions, migrations, new passwords none. */
const EXPLAINS: Readonly<Record<Condition, readonly string[]>> = {
  // Between what admission saw and what the lease saw, the tenant may have become what it is now.
  suspended: ['TENANT_SUSPENDED', 'TENANT_UNAVAILABLE', 'TENANT_NOT_FOUND'],
  readonly: ['TENANT_READ_ONLY'],
  maintenance: ['TENANT_UNAVAILABLE'],
  archived: ['TENANT_UNAVAILABLE', 'TENANT_NOT_FOUND', 'TENANT_CLOSED', 'TENANT_DATABASE_MISSING', ...CUT],
  moving: ['TENANT_UNAVAILABLE', 'TENANT_CLOSED', 'TENANT_DATABASE_MISSING', ...CUT],
  killed: CUT,
  // Tenants that are known are served while it is away, on connections that are there or whose secret is known.
  catalog: ['CATALOG_UNAVAILABLE', 'TENANT_CONNECTION_FAILED', 'BODY_CUT'],
  network: ['TENANT_CLOSED', 'CONNECTION_BUDGET_EXCEEDED', ...CUT],
};

/** Which answer a condition demands, once it holds everywhere. */
const DEMANDS: Readonly<Partial<Record<Condition, (changes: boolean) => boolean>>> = {
  suspended: () => true,
  readonly: (changes) => changes,
  maintenance: () => true,
  archived: () => true,
};

/** One condition, from before it begins until after it is over. */
export interface Announcement {
  readonly condition: Condition;
  /** It holds everywhere from now on, until {@link ends}. */
  holds(): void;
  /** It is about to be ended. */
  ends(): void;
  /** It has been over for everybody for so long. */
  over(inMs: number): void;
}

interface Span {
  readonly condition: Condition;
  readonly from: number;
  until: number;
  holdsFrom: number;
  holdsUntil: number;
}

/** No request takes so long. */
const REMEMBERED_MS = 60_000;

/** What is done to whom, and when: by it each answer is judged. */
export class Announcements {
  readonly #spans = new Map<string, Span[]>();
  readonly #under = new Map<string, number>();

  /** `whom`: a tenant, a server, or {@link CATALOG}. */
  begin(whom: string, condition: Condition): Announcement {
    const now = performance.now();
    const span = { condition, from: now, until: Infinity, holdsFrom: Infinity, holdsUntil: Infinity };
    const kept = (this.#spans.get(whom) ?? []).filter(({ until }) => until > now - REMEMBERED_MS);
    this.#spans.set(whom, [...kept, span]);
    this.#under.set(whom, (this.#under.get(whom) ?? 0) + 1);
    return {
      condition,
      holds: () => {
        span.holdsFrom = performance.now();
      },
      ends: () => {
        span.holdsUntil = performance.now();
      },
      over: (inMs) => {
        span.until = performance.now() + inMs;
        span.holdsUntil = Math.min(span.holdsUntil, performance.now());
        const left = (this.#under.get(whom) ?? 1) - 1;
        if (left === 0) {
          this.#under.delete(whom);
        } else {
          this.#under.set(whom, left);
        }
      },
    };
  }

  /** What is under something now. */
  get underway(): readonly string[] {
    return [...this.#under.keys()];
  }

  /** Whether an answer by this code is explained for work that took so long and needed all of these. */
  explains(code: string, needed: readonly string[], from: number, to: number): boolean {
    return this.#of(needed).some(
      (span) => EXPLAINS[span.condition].includes(code) && span.from <= to && span.until >= from,
    );
  }

  /** Whether anything at all was under way for those whom the work needed. */
  disturbs(needed: readonly string[], from: number, to: number): boolean {
    return this.#of(needed).some((span) => span.from <= to && span.until >= from);
  }

  /** The condition for which a tenant must have been refused for all of this time. */
  demandsRefusal(id: string, changes: boolean, from: number, to: number): Condition | undefined {
    return this.#of([id]).find(
      ({ condition, holdsFrom, holdsUntil }) =>
        DEMANDS[condition]?.(changes) === true && holdsFrom <= from && to <= holdsUntil,
    )?.condition;
  }

  #of(whom: readonly string[]): Span[] {
    return whom.flatMap((one) => this.#spans.get(one) ?? []);
  }
}
