import { describe, expect, it } from '@jest/globals';
import { Backoff } from '../../../src/connections/Backoff.ts';
import { FakeClock } from '../../support/FakeClock.ts';

describe('a back-off', () => {
  it('is not there before the first failure', () => {
    expect(new Backoff(new FakeClock()).pending).toBeUndefined();
  });

  it('doubles with each further failure, up to five seconds', () => {
    const clock = new FakeClock();
    const backoff = new Backoff(clock);
    const delays = Array.from({ length: 9 }, () => {
      const delay = backoff.fail(new Error('down'));
      clock.advance(delay);
      return delay;
    });
    expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
  });

  it('gives the last error and the time left, until the time is over', () => {
    const clock = new FakeClock();
    const backoff = new Backoff(clock);
    const error = new Error('down');
    backoff.fail(error);
    clock.advance(30);
    expect(backoff.pending).toEqual({ error, retryInMs: 70 });
    clock.advance(70);
    expect(backoff.pending).toBeUndefined();
  });

  it('counts attempts that fail together once', () => {
    const clock = new FakeClock();
    const backoff = new Backoff(clock);
    const last = new Error('the last of them');
    const delays = [new Error('first'), new Error('second'), last].map((error) => backoff.fail(error));
    expect(delays).toEqual([100, 100, 100]);
    expect(backoff.pending).toEqual({ error: last, retryInMs: 100 });
    clock.advance(100);
    expect(backoff.fail(last)).toBe(200);
  });

  it('begins again after a success', () => {
    const clock = new FakeClock();
    const backoff = new Backoff(clock);
    clock.advance(backoff.fail(new Error('down')));
    clock.advance(backoff.fail(new Error('down')));
    backoff.succeed();
    expect(backoff.pending).toBeUndefined();
    expect(backoff.fail(new Error('down again'))).toBe(100);
  });
});
