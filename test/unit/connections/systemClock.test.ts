import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../src/connections/Clock.ts';

describe('the clock of the system', () => {
  it('waits where a timer of Node.js would overflow and fire at once', async () => {
    const fired: number[] = [];
    const cancels = [2 ** 31, Number.POSITIVE_INFINITY].map((delayMs) =>
      systemClock.schedule(delayMs, () => fired.push(delayMs)),
    );
    await new Promise<void>((resolve) => {
      systemClock.schedule(5, resolve);
    });
    for (const cancel of cancels) {
      cancel();
    }
    expect(fired).toEqual([]);
  });

  it('does not call what was cancelled', async () => {
    const calls: string[] = [];
    systemClock.schedule(1, () => calls.push('cancelled'))();
    await new Promise<void>((resolve) => {
      systemClock.schedule(2, resolve);
    });
    expect(calls).toEqual([]);
  });
});
