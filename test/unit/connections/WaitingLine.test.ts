import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { WaitingLine } from '../../../src/connections/WaitingLine.ts';
import { outcomeOf } from '../../support/connections/BudgetWorld.ts';
import { FakeClock } from '../../support/FakeClock.ts';
import { settled } from '../../support/settled.ts';

function waitingLine() {
  const clock = new FakeClock();
  const log: string[] = [];
  let count = 0;
  const line = new WaitingLine<string>(clock, (by) => {
    count += by;
  });
  const join = (signal?: AbortSignal) =>
    line.join({ signal, timeoutMs: 100, late: () => new Error('late'), left: () => log.push('left') });
  return { clock, line, log, join, counted: () => count };
}

describe('a line of waiting callers', () => {
  it('lets go of a caller’s signal and deadline, however the waiting ended', async () => {
    const { clock, line, log, join, counted } = waitingLine();
    const { signal } = new AbortController();
    const outcomes = [1, 2, 3, 4]
      .map(() => join(signal))
      .map(({ promise, leave }) => [outcomeOf(promise), leave] as const);
    expect(getEventListeners(signal, 'abort')).toHaveLength(4);
    line.serve('connection');
    line.refuse(new Error('refused'));
    outcomes[2]?.[1](new Error('left'));
    expect(log).toEqual(['left']);
    expect([getEventListeners(signal, 'abort').length, clock.pending, line.size, counted()]).toEqual([1, 1, 1, 1]);
    clock.advance(100);
    await settled();
    expect([getEventListeners(signal, 'abort').length, clock.pending, line.size, counted()]).toEqual([0, 0, 0, 0]);
    expect(outcomes.map(([{ value, error }]) => value ?? (error as Error).message)).toEqual([
      'connection',
      'refused',
      'left',
      'late',
    ]);
  });

  it('lets nobody leave who is not in it any more', async () => {
    const { line, log, join, counted } = waitingLine();
    const { promise, leave } = join();
    line.serve('connection');
    leave(new Error('too late'));
    expect(await promise).toBe('connection');
    expect([log, counted()]).toEqual([[], 0]);
  });

  it('takes no harm of a connection or a refusal that nobody waits for', () => {
    const { line } = waitingLine();
    line.serve('connection');
    line.refuse(new Error('refused'));
    expect(line.since).toBeUndefined();
  });
});
