import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { ClosedHandles } from '../../../src/libsql/ClosedHandles.ts';

/** Objects of which nobody else knows, and whether each is still there. */
function addTo(closed: ClosedHandles, count: number): () => number {
  const left = Array.from({ length: count }, () => {
    const handle = { large: Array.from({ length: 100 }, () => 0) };
    closed.add(handle);
    return new WeakRef(handle);
  });
  return () => left.filter((one) => one.deref() !== undefined).length;
}

/** What a WeakRef was asked for stays until the end of the turn. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

describe('handles that are closed', () => {
  it('are left to V8 up to a number, and are collected when there is one more', async () => {
    const closed = new ClosedHandles(3);
    const left = addTo(closed, 3);
    await turn();
    expect(left()).toBe(3);
    await turn();
    const one = addTo(closed, 1);
    await turn();
    expect(left()).toBe(0);
    expect(one()).toBe(1);
  });

  it('are counted anew after that', async () => {
    const closed = new ClosedHandles(2);
    addTo(closed, 3);
    await turn();
    const left = addTo(closed, 1);
    await turn();
    expect(left()).toBe(1);
    await turn();
    closed.collect();
    await turn();
    expect(left()).toBe(0);
  });

  it('may all be collected at once', () => {
    const closed = new ClosedHandles(0);
    expect(() => addTo(closed, 2)).not.toThrow();
  });

  it('do not leave `gc` to the application', () => {
    const before = runInNewContext('typeof gc') as string;
    new ClosedHandles(1).collect();
    expect(runInNewContext('typeof gc')).toBe(before);
  });
});
