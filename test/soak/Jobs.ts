import { setTimeout as pause } from 'node:timers/promises';
import type { Changes } from './Changes.ts';
import { codeOf } from './codeOf.ts';
import { HOUSES } from './entities.ts';
import { type Judge, ROWS_SEEN } from './Judge.ts';
import { SeededRandom } from './SeededRandom.ts';
import { look, transfer } from './SoakApp.ts';
import type { SoakWorld } from './SoakWorld.ts';
import type { Tally } from './Tally.ts';

const WORKERS = 4;
const WEIGHTS = { read: 10, change: 6, 'give up': 3, each: 0.05 };

export interface JobsOptions {
  readonly seed: string;
  readonly world: SoakWorld;
  readonly judge: Judge;
  readonly changes: Changes;
  readonly tally: Tally;
  readonly isOver: () => boolean;
}

/** Work for tenants outside of requests, as of a queue or a cron job. */
export class Jobs {
  readonly #options: JobsOptions;

  constructor(options: JobsOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { tally } = this.#options;
    tally.doing.set('jobs', 'their last work');
    await Promise.all(Array.from({ length: WORKERS }, (_, n) => this.#worker(n)));
    tally.doing.delete('jobs');
  }

  async #worker(n: number): Promise<void> {
    const { seed, world, tally, isOver } = this.#options;
    const random = new SeededRandom(seed, `job ${n}`);
    while (!isOver()) {
      const kind = random.weighted(WEIGHTS);
      const id = random.pick(world.ids);
      tally.count('jobs', kind);
      await (kind === 'each' ? this.#each() : this.#job(kind, id, random));
      await pause(random.between(0, 40));
    }
  }

  async #job(kind: 'read' | 'change' | 'give up', id: string, random: SeededRandom): Promise<void> {
    const { world, judge, changes } = this.#options;
    const from = performance.now();
    const signal = kind === 'give up' ? AbortSignal.timeout(random.below(20)) : undefined;
    try {
      const seen = await world.serving.run(
        id,
        async (em, tenant) => {
          if (kind === 'change') {
            changes.begun(id);
            await em.transactional((tx) => transfer(tx, 1 + random.below(HOUSES - 1), HOUSES));
            changes.done(id);
          }
          return look(em, tenant);
        },
        { signal },
      );
      judge.check(seen, id, ROWS_SEEN);
    } catch (error) {
      this.#failed(error, id, signal, from);
    }
  }

  /** Every tenant, in turns with everything else. */
  async #each(): Promise<void> {
    const { world, judge } = this.#options;
    const from = performance.now();
    try {
      for (const result of await world.serving.each(look, { concurrency: WORKERS })) {
        if (result.ok) {
          judge.check(result.value, result.tenantId, ROWS_SEEN);
        } else {
          this.#failed(result.error, result.tenantId, undefined, from);
        }
      }
    } catch (error) {
      this.#failed(error, 'everybody', undefined, from);
    }
  }

  #failed(error: unknown, id: string, signal: AbortSignal | undefined, from: number): void {
    if (signal?.aborted !== true) {
      const visit = { path: 'a job', id, others: [], from: 0, to: 0 };
      this.#options.judge.failed(codeOf(error), visit, from, performance.now());
    }
  }
}
