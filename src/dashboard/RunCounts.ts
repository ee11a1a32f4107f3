import { LRUCache } from 'lru-cache';
import type { FleetCounts, FleetRun } from '../migrations/fleet/FleetRun.ts';
import type { DashboardFleet } from './DashboardManager.ts';

const KEPT = 500;

/** How far runs are. What a run came to that rests is counted once: its items may be very many. */
export class RunCounts {
  readonly #fleet: DashboardFleet;
  readonly #resting = new LRUCache<string, FleetCounts>({ max: KEPT });

  constructor(fleet: DashboardFleet) {
    this.#fleet = fleet;
  }

  /** Of a run that is written down. */
  async of({ id = '', state, finishedAt }: FleetRun): Promise<FleetCounts> {
    const key = `${id} ${state} ${finishedAt}`;
    const known = this.#resting.get(key);
    if (known !== undefined) {
      return known;
    }
    const report = await this.#fleet.report(id, { limit: 0 });
    // Somebody may have gone on with it meanwhile.
    if (report.state !== 'running' && `${id} ${report.state} ${report.finishedAt}` === key) {
      this.#resting.set(key, report.counts);
    }
    return report.counts;
  }
}
