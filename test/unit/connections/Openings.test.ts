import { describe, expect, it } from '@jest/globals';
import { Openings } from '../../../src/connections/Openings.ts';
import { FakeClock } from '../../support/FakeClock.ts';

function openings(limit = 2) {
  const clock = new FakeClock();
  clock.advance(5_000);
  const heard = { room: 0 };
  const onRoom = (): void => {
    heard.room += 1;
  };
  return { clock, heard, of: new Openings(limit, clock, (fn) => fn(), onRoom) };
}

describe('openings', () => {
  it('are full at their limit, with those that close before them', () => {
    const { of } = openings();
    expect([of.isFull(), of.isFull(1), of.isFull(2)]).toEqual([false, false, true]);
    const end = of.begin();
    expect([of.isFull(), of.isFull(1)]).toEqual([false, true]);
    of.begin();
    expect(of.isFull()).toBe(true);
    end(true);
    expect(of.isFull()).toBe(false);
  });

  it('do not count one that takes half a second, and count it once when it ends', () => {
    const { clock, heard, of } = openings();
    const end = of.begin();
    clock.advance(1);
    of.begin();
    clock.advance(498);
    expect([of.isFull(), heard.room]).toEqual([true, 0]);
    clock.advance(1);
    expect([of.isFull(), heard.room]).toEqual([false, 1]);
    end(true);
    of.begin();
    expect(of.isFull()).toBe(true);
  });

  it('leave no timer when they end', () => {
    const { clock, of } = openings();
    of.begin()(false);
    of.begin()(true);
    expect(clock.pending).toBe(0);
  });

  it('learn what one takes, from 10 to 500 ms, and not from one that failed', () => {
    const { clock, of } = openings();
    const take = (ms: number, isOpen = true): number => {
      const end = of.begin();
      clock.advance(ms);
      end(isOpen);
      return of.typicalMs;
    };
    expect(of.typicalMs).toBe(10);
    expect(take(100, false)).toBe(10);
    expect(take(110)).toBeCloseTo(30);
    expect(take(80)).toBeCloseTo(40);
    expect(take(0)).toBeCloseTo(32);
    expect(take(10_000)).toBe(500);
    for (let n = 0; n < 30; n += 1) {
      take(0);
    }
    expect(of.typicalMs).toBe(10);
  });
});
