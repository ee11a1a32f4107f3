import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { TenancyConfigurationError } from '../errors.ts';

const DEFAULT_FLOOR_MS = 20;
const MAX_FLOOR_MS = 10_000;
/** By how much a timer of a process that is not overloaded comes too late, at most. */
const TIMER_IS_LATE_BY_MS = 2;

/** Throws {@link TenancyConfigurationError} unless it is 0 to 10,000. */
export function checkedFloor(refusalFloorMs: number = DEFAULT_FLOOR_MS): number {
  const isInRange = typeof refusalFloorMs === 'number' && refusalFloorMs >= 0 && refusalFloorMs <= MAX_FLOOR_MS;
  if (!isInRange) {
    throw new TenancyConfigurationError(`tenancy: \`refusalFloorMs\` takes milliseconds from 0 to ${MAX_FLOOR_MS}.`);
  }
  return refusalFloorMs;
}

/**
 * Waits until `floorMs` after `startedAt` (by `performance.now()`). Timers count whole milliseconds from when they are
 * set, so that one alone would end by as much later as the work before it took longer, and give that away after all. It
 * ends early here, and the clock is looked at in each turn of the event loop from then on.
 */
export async function untilFloor(startedAt: number, floorMs: number): Promise<void> {
  const floorAt = startedAt + floorMs;
  const timerMs = Math.floor(floorAt - performance.now() - TIMER_IS_LATE_BY_MS);
  if (timerMs > 0) {
    await wait(timerMs);
  }
  while (performance.now() < floorAt) {
    await turn();
  }
}
