import { setTimeout as pause } from 'node:timers/promises';
import type { Announcement, Announcements, Condition } from './Announcements.ts';
import { codeOf } from './codeOf.ts';
import { SeededRandom } from './SeededRandom.ts';
import { HEARD_WITHIN_MS, type SoakWorld } from './SoakWorld.ts';
import type { Tally } from './Tally.ts';

const WEIGHTS = { evict: 30, rotate: 12, suspend: 6, readonly: 6, maintenance: 4, migrate: 10, move: 8, archive: 3 };
type Deed = keyof typeof WEIGHTS;

const FLEET = 5;

/** How long a status is kept after everybody has heard of it, so that there are requests for it. */
const KEPT_MS = { least: 200, most: 1_500 };

export interface OperatorOptions {
  readonly name: string;
  readonly seed: string;
  readonly world: SoakWorld;
  readonly announcements: Announcements;
  readonly tally: Tally;
  /** Tenants that an operator works on now: nobody else does. */
  readonly taken: Set<string>;
  readonly isOver: () => boolean;
}

/** Does to tenants, one after the other, what is done to tenants, and says so beforehand. */
export class Operator {
  readonly #options: OperatorOptions;
  readonly #random: SeededRandom;

  constructor(options: OperatorOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed, options.name);
  }

  async run(): Promise<void> {
    const { name, isOver, tally, world, taken } = this.#options;
    while (!isOver()) {
      const deed = this.#random.weighted(WEIGHTS);
      const count = deed === 'migrate' ? FLEET : 1;
      const free = world.ids.filter((id) => !taken.has(id));
      const ids = new Set(Array.from({ length: count }, () => this.#random.pick(free)));
      for (const id of ids) {
        taken.add(id);
      }
      const startedAt = performance.now();
      tally.doing.set(name, `${deed} of ${[...ids].join()}`);
      try {
        await this.#do(deed, [...ids]);
        tally.took(deed, performance.now() - startedAt);
      } catch (error) {
        tally.complain('unannounced', `${deed} of ${[...ids].join()}: ${codeOf(error)}: ${String(error)}`);
      } finally {
        tally.doing.delete(name);
        for (const id of ids) {
          taken.delete(id);
        }
      }
      await pause(this.#random.between(0, 100));
    }
  }

  async #do(deed: Deed, ids: readonly string[]): Promise<void> {
    const { serving, operating } = this.#options.world;
    const [id = ''] = ids;
    switch (deed) {
      case 'evict':
        await serving.evict(id);
        return;
      case 'rotate':
        return operating.rotatePassword(id);
      case 'suspend':
        return this.#during(
          'suspended',
          id,
          () => operating.suspend(id),
          () => operating.resume(id),
        );
      case 'readonly':
        return this.#during(
          'readonly',
          id,
          () => operating.readonly(id),
          () => operating.resume(id),
        );
      case 'maintenance':
        return this.#during(
          'maintenance',
          id,
          () => operating.maintenance(id),
          () => operating.resume(id),
        );
      case 'archive':
        return this.#during(
          'archived',
          id,
          () => operating.archive(id),
          () => operating.restore(id),
        );
      case 'move':
        return this.#announced('moving', id, () => this.#options.world.move(id));
      default:
        return this.#migrate(ids);
    }
  }

  /** Down and up again while requests go on, which notice nothing of it. */
  async #migrate(ids: readonly string[]): Promise<void> {
    const { operating } = this.#options.world;
    const pending = await operating.migrator(ids[0] ?? '').getPending();
    if (pending.length === 0) {
      for (const id of ids) {
        await operating.migrator(id).down();
      }
    }
    const report = await operating.fleet.migrate({ ids: [...ids] });
    if (report.counts.failed > 0) {
      throw new Error(`the fleet has failures: ${JSON.stringify(report.items)}`);
    }
    if (this.#random.chance(0.3) && report.id !== undefined) {
      await operating.fleet.rollback(report.id);
      await operating.fleet.migrate({ ids: [...ids] });
    }
  }

  async #during(
    condition: Condition,
    id: string,
    begin: () => Promise<unknown>,
    end: () => Promise<unknown>,
  ): Promise<void> {
    await this.#announced(condition, id, async (announcement) => {
      await begin();
      await pause(HEARD_WITHIN_MS);
      announcement.holds();
      await pause(this.#random.between(KEPT_MS.least, KEPT_MS.most));
      announcement.ends();
      await end();
    });
  }

  async #announced(
    condition: Condition,
    id: string,
    work: (announcement: Announcement) => Promise<unknown>,
  ): Promise<void> {
    const announcement = this.#options.announcements.begin(id, condition);
    try {
      await work(announcement);
    } finally {
      announcement.over(HEARD_WITHIN_MS);
    }
  }
}
