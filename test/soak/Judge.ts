import { type Announcements, CATALOG } from './Announcements.ts';
import { HOUSES, HOUSES_SEEN, ROOMS_PER_HOUSE } from './entities.ts';
import type { Answer, Seen } from './SoakApp.ts';
import type { SoakWorld } from './SoakWorld.ts';
import type { Tally } from './Tally.ts';

/** One request. */
export interface Visit {
  readonly path: string;
  readonly id: string;
  /** Tenants that the handler works for beside its own. */
  readonly others: readonly string[];
  readonly from: number;
  readonly to: number;
}

/** What became of it, for its client. */
export type Outcome =
  | {
      readonly is: 'answered';
      readonly status: number;
      readonly retryAfter: string | undefined;
      readonly body: string;
    }
  /** The body ended before its end. */
  | { readonly is: 'cut' }
  | { readonly is: 'failed'; readonly why: string }
  /** The client itself left. */
  | { readonly is: 'hung up' };

/** The status of each answer that is not served, and whether it says when to come again. */
const STATUSES: Readonly<Record<string, { readonly status: number; readonly retryAfter?: true }>> = {
  TENANT_NOT_FOUND: { status: 404 },
  TENANT_SUSPENDED: { status: 403 },
  TENANT_READ_ONLY: { status: 403 },
  TENANT_UNAVAILABLE: { status: 503, retryAfter: true },
  TENANT_CLOSED: { status: 503 },
  TENANT_DATABASE_MISSING: { status: 503 },
  TENANT_CONNECTION_FAILED: { status: 503, retryAfter: true },
  TENANT_OPEN_FAILED: { status: 503, retryAfter: true },
  CONNECTION_BUDGET_EXCEEDED: { status: 503, retryAfter: true },
  CATALOG_UNAVAILABLE: { status: 503, retryAfter: true },
  CONNECTION_LOST: { status: 500 },
};

const CHANGES: ReadonlySet<string> = new Set(['/transfer']);

/** Decides of each answer whether it is right: from the tenant's own database, or refused for a reason that was given. */
export class Judge {
  readonly #world: SoakWorld;
  readonly #announcements: Announcements;
  readonly #tally: Tally;

  constructor(world: SoakWorld, announcements: Announcements, tally: Tally) {
    this.#world = world;
    this.#announcements = announcements;
    this.#tally = tally;
  }

  judge(visit: Visit, outcome: Outcome, from: number, to: number): void {
    const needed = this.neededBy([visit.id, ...visit.others]);
    this.#tally.requests += 1;
    this.#tally.took(visit.path, to - from);
    if (!this.#announcements.disturbs(needed, from, to)) {
      this.#tally.undisturbed += 1;
    }
    switch (outcome.is) {
      case 'hung up':
        this.#tally.count('answers', 'hung up');
        break;
      case 'failed':
        this.#tally.count('answers', 'failed');
        this.#tally.complain('unannounced', `${visit.path} of ${visit.id}: ${outcome.why}`);
        break;
      case 'cut':
        this.#tally.count('answers', 'cut');
        this.failed('BODY_CUT', visit, from, to);
        break;
      default:
        if (outcome.status === 200) {
          this.#served(visit, outcome.body, from, to);
        } else {
          this.#refused(visit, outcome, from, to);
        }
    }
  }

  /** Work that failed by itself, without an answer: of a job, or for another tenant within a request. */
  failed(code: string, visit: Visit, from: number, to: number): void {
    this.#tally.count('errors', code);
    if (!this.#announcements.explains(code, this.neededBy([visit.id, ...visit.others]), from, to)) {
      const took = `${Math.round(to - from)} ms, on ${this.#world.serverOf(visit.id)}`;
      this.#tally.complain(
        'unannounced',
        `${visit.path} of ${visit.id} (${visit.others.join()}) after ${took}: ${code}, as in: ${this.#tally.lastOf(code)}`,
      );
    }
  }

  /** What a unit of work has seen must be its tenant's alone. */
  check({ tenant, server, database, role, port, owners, strangers }: Seen, id: string, rows: number): void {
    const wrong = [
      tenant !== id && `tenant ${tenant}`,
      database !== this.#world.databaseOf(id) && `database ${database}`,
      !role.startsWith(this.#world.roleOf(id)) && `role ${role}`,
      port !== this.#world.portOf(server ?? '') && `port ${port}, where the catalogue said ${server}`,
      strangers !== 0 && `${strangers} entities of others`,
      (owners.length !== rows || owners.some((owner) => owner !== id)) && `rows of ${owners.join()}`,
    ].filter((one) => one !== false);
    if (wrong.length > 0) {
      this.#tally.complain('mismatch', `${id} saw ${wrong.join('; ')}`);
    }
  }

  /** The tenants, the servers that they are on, and what says so. */
  neededBy(ids: readonly string[]): readonly string[] {
    return [...ids, ...ids.map((id) => this.#world.serverOf(id)), CATALOG];
  }

  #served(visit: Visit, body: string, from: number, to: number): void {
    const { path, id } = visit;
    this.#tally.count('answers', '200');
    const against = this.#announcements.demandsRefusal(id, CHANGES.has(path), from, to);
    if (against !== undefined || path === '/nobody') {
      this.#tally.complain('mismatch', `${path} of ${id} was served, though it is ${against ?? 'nobody'}`);
    }
    if (path.startsWith('/stream')) {
      this.#checkLines(id, body);
    } else {
      this.#checkAnswer(visit, body, from, to);
    }
  }

  #checkAnswer(visit: Visit, body: string, from: number, to: number): void {
    const { path, id } = visit;
    const { seen, elsewhere = [] } = JSON.parse(body) as Answer;
    this.check(seen, id, ROWS_SEEN);
    if (elsewhere.map((one) => one.id).join() !== visit.others.join()) {
      this.#tally.complain('mismatch', `${path} of ${id} was to see ${visit.others.join()}: ${body}`);
    }
    for (const one of elsewhere) {
      if ('seen' in one) {
        this.check(one.seen, one.id, ROWS_SEEN);
      } else {
        this.failed(one.code, { ...visit, path: `${path} elsewhere`, id: one.id, others: [] }, from, to);
      }
    }
  }

  #checkLines(id: string, body: string): void {
    const lines = body.trimEnd().split('\n');
    const wrong = lines.filter((line) => {
      const { id: tenant, owners } = JSON.parse(line) as { readonly id: string; readonly owners: readonly string[] };
      return tenant !== id || owners.length !== 1 + ROOMS_PER_HOUSE || owners.some((owner) => owner !== id);
    });
    if (lines.length !== HOUSES || wrong.length > 0) {
      this.#tally.complain('mismatch', `the stream of ${id} has ${lines.length} lines: ${wrong.join()}`);
    }
  }

  #refused(visit: Visit, { status, retryAfter, body }: Outcome & { is: 'answered' }, from: number, to: number): void {
    const code = errorCodeIn(body);
    this.#tally.count('answers', `${status} ${code}`);
    const expected = STATUSES[code];
    if (expected?.status !== status || (retryAfter !== undefined) !== (expected.retryAfter === true)) {
      this.#tally.complain('unannounced', `${visit.path} of ${visit.id}: ${status} (${retryAfter}) ${body}`);
    } else if (visit.path !== '/nobody' || code !== 'TENANT_NOT_FOUND') {
      this.failed(code, visit, from, to);
    }
  }
}

/** Of some houses, with their rooms. */
export const ROWS_SEEN = HOUSES_SEEN * (1 + ROOMS_PER_HOUSE);

function errorCodeIn(body: string): string {
  try {
    return (JSON.parse(body) as { readonly error: { readonly code: string } }).error.code;
  } catch {
    return body;
  }
}
