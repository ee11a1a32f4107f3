import { describe } from '@jest/globals';
import { answerCases } from './cases/answerCases.ts';
import { contextCases } from './cases/contextCases.ts';
import { hostCases } from './cases/hostCases.ts';
import { leaseCases } from './cases/leaseCases.ts';
import { resolutionCases } from './cases/resolutionCases.ts';
import { sessionCases } from './cases/sessionCases.ts';
import type { DoorAdapter } from './DoorAdapter.ts';

/** What every front door must do, whatever its framework. */
export function describeFrontDoor<C>(name: string, door: DoorAdapter<C>): void {
  describe(name, () => {
    resolutionCases(door);
    answerCases(door);
    leaseCases(door);
    contextCases(door);
    sessionCases(door);
    hostCases(door);
  });
}
