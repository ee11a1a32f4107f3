import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { ClosedHandles } from '../../../src/libsql/ClosedHandles.ts';
import { until } from '../../support/manager/TestTenants.ts';

/** Handles that V8 collects none of by itself, as somebody holds them. */
function held(most: number) {
  const asked: string[] = [];
  const closed = new ClosedHandles(most, (...options) => asked.push(options[0]?.type ?? 'whole'));
  const handles: object[] = [];
  const add = (count: number): void => {
    for (let n = 0; n < count; n += 1) {
      const handle = {};
      handles.push(handle);
      closed.add(handle);
    }
  };
  return { asked, closed, add };
}

/** Handles that nobody holds. */
const addTo = (closed: ClosedHandles, count: number) =>
  Array.from({ length: count }, () => {
    const handle = {};
    closed.add(handle);
    return new WeakRef(handle);
  });

/** What a WeakRef was asked for stays until the end of the turn. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

describe('handles that are closed', () => {
  it('are left to V8 up to a number, and have the young collected when there is one more', () => {
    const { asked, add } = held(3);
    add(3);
    expect(asked).toEqual([]);
    add(1);
    expect(asked).toEqual(['minor']);
    add(2);
    expect(asked).toEqual(['minor']);
    add(1);
    expect(asked).toEqual(['minor', 'minor']);
  });

  it('have all collected after ten times as many, of which V8 told of none', () => {
    const { asked, add } = held(2);
    add(20);
    expect(asked).toEqual(Array.from({ length: 9 }, () => 'minor'));
    add(1);
    expect(asked.slice(9)).toEqual(['whole']);
    add(1);
    expect(asked).toHaveLength(10);
    add(1);
    expect(asked.slice(10)).toEqual(['minor']);
  });

  it('are counted anew when all were collected', () => {
    const { asked, closed, add } = held(2);
    add(2);
    closed.collect();
    expect(asked).toEqual(['whole']);
    add(2);
    expect(asked).toEqual(['whole']);
  });

  it('are gone after that', async () => {
    const closed = new ClosedHandles(3);
    const left = addTo(closed, 3);
    await turn();
    closed.collect();
    await turn();
    expect(left.filter((one) => one.deref() !== undefined)).toEqual([]);
  });

  it('are not counted once V8 has collected them in its own time', async () => {
    const isUncounted = async (): Promise<boolean> => {
      const asked: string[] = [];
      const closed = new ClosedHandles(2, (...options) => asked.push(options[0]?.type ?? 'whole'));
      addTo(closed, 15);
      await turn();
      new ClosedHandles(1).collect();
      // V8 tells of it when it likes.
      await new Promise((resolve) => setTimeout(resolve, 50));
      addTo(closed, 15);
      return !asked.includes('whole');
    };
    await until(isUncounted, 'all are counted');
  });

  it('may be none', () => {
    const { asked, add } = held(0);
    add(2);
    expect(asked).toEqual(['whole', 'whole']);
  });

  it('do not leave `gc` to the application', () => {
    const before = runInNewContext('typeof gc') as string;
    new ClosedHandles(1).collect();
    expect(runInNewContext('typeof gc')).toBe(before);
  });
});
