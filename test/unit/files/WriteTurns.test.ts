import { describe, expect, it } from '@jest/globals';
import { WriteTurns } from '../../../src/files/WriteTurns.ts';
import { FakeClock } from '../../support/FakeClock.ts';

function turnsOf(clock = new FakeClock()) {
  const turns = new WriteTurns(clock);
  const log: string[] = [];
  const take = (name: string, signal = new AbortController().signal) =>
    turns.take({ timeoutMs: 100, signal, late: () => new Error(`${name} is late`) }).then(
      () => log.push(name),
      (error: Error) => log.push(error.message),
    );
  return { clock, turns, log, take };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('the turns of those who write to one file', () => {
  it('come one after the other, first-in first-out', async () => {
    const { turns, log, take } = turnsOf();
    void take('one');
    void take('two');
    void take('three');
    await settled();
    expect(log).toEqual(['one']);
    turns.end();
    await settled();
    expect(log).toEqual(['one', 'two']);
    turns.end();
    await settled();
    turns.end();
    await take('four');
    expect(log).toEqual(['one', 'two', 'three', 'four']);
  });

  it('are not waited for beyond the deadline, and pass over who has left', async () => {
    const { clock, turns, log, take } = turnsOf();
    const leaving = new AbortController();
    void take('one');
    void take('two');
    void take('three', leaving.signal);
    await settled();
    leaving.abort(new Error('three left'));
    clock.advance(100);
    await settled();
    expect(log).toEqual(['one', 'three left', 'two is late']);
    void take('four');
    turns.end();
    await settled();
    expect(log.at(-1)).toBe('four');
  });

  it('are not given to somebody who has left already', async () => {
    const { turns, log, take } = turnsOf();
    await take('one', AbortSignal.abort(new Error('gone')));
    await take('two');
    expect(log).toEqual(['gone', 'two']);
    turns.end();
  });
});
