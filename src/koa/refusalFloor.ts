import { setTimeout as wait } from 'node:timers/promises';
import { TenancyConfigurationError } from '../errors.ts';

const DEFAULT_FLOOR_MS = 20;
const MAX_FLOOR_MS = 10_000;

/** Throws {@link TenancyConfigurationError} unless it is 0 to 10,000. */
export function checkedFloor(refusalFloorMs: number = DEFAULT_FLOOR_MS): number {
  const isInRange = typeof refusalFloorMs === 'number' && refusalFloorMs >= 0 && refusalFloorMs <= MAX_FLOOR_MS;
  if (!isInRange) {
    throw new TenancyConfigurationError(`tenancy: \`refusalFloorMs\` takes milliseconds from 0 to ${MAX_FLOOR_MS}.`);
  }
  return refusalFloorMs;
}

/**
 * Waits until `floorMs` after `startedAt` (by `performance.now()`). It asks again after each timer, because those are
 * rounded: the end is the first tick of the timers after the floor, so that not even the fraction of a millisecond
 * tells how long the work before it took.
 */
export async function untilFloor(startedAt: number, floorMs: number): Promise<void> {
  const floorAt = startedAt + floorMs;
  for (let leftMs = floorAt - performance.now(); leftMs > 0; leftMs = floorAt - performance.now()) {
    await wait(Math.ceil(leftMs));
  }
}
