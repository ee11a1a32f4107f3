import type { Outcome, Visit } from './Judge.ts';
import type { Answer } from './SoakApp.ts';

/** How often each tenant was to be changed, and how often it was said that it had been. */
export class Changes {
  readonly #sent = new Map<string, number>();
  readonly #acknowledged = new Map<string, number>();

  sent({ path, id, others }: Visit): void {
    for (const changed of path === '/transfer' ? [id] : path === '/nested' ? others : []) {
      this.begun(changed);
    }
  }

  answered({ path, id }: Visit, outcome: Outcome): void {
    if (outcome.is !== 'answered' || outcome.status !== 200) {
      return;
    }
    if (path === '/transfer') {
      this.done(id);
    } else if (path === '/nested') {
      const { elsewhere = [] } = JSON.parse(outcome.body) as Answer;
      for (const one of elsewhere) {
        if ('seen' in one) {
          this.done(one.id);
        }
      }
    }
  }

  begun(id: string): void {
    add(this.#sent, id);
  }

  done(id: string): void {
    add(this.#acknowledged, id);
  }

  /** At least as many as were acknowledged, at most as many as were sent. */
  isPossible(id: string, changes: number): boolean {
    return changes >= (this.#acknowledged.get(id) ?? 0) && changes <= (this.#sent.get(id) ?? 0);
  }

  of(id: string): string {
    return `${this.#acknowledged.get(id) ?? 0} acknowledged of ${this.#sent.get(id) ?? 0}`;
  }
}

function add(counts: Map<string, number>, id: string): void {
  counts.set(id, (counts.get(id) ?? 0) + 1);
}
