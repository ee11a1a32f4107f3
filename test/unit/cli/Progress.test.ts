import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { duration, Progress } from '../../../src/cli/Progress.ts';
import { table } from '../../../src/cli/table.ts';

function progressOn(isTTY: boolean, total: number) {
  const out = Object.assign(new PassThrough(), { isTTY, columns: 60 });
  let now = 0;
  return { out, progress: new Progress({ out, total, now: () => now }), pass: (ms: number) => (now += ms) };
}

describe('progress', () => {
  it('is a line for each tenant where there is no terminal', () => {
    const { out, progress } = progressOn(false, 2);
    progress.settled('acme', 'done, 2 migrations');
    progress.settled('globex', 'failed: no', { failed: true });
    progress.end();
    expect(String(out.read())).toBe('acme: done, 2 migrations\nglobex: failed: no\n');
  });

  it('is one line that changes on a terminal, with rate and time left, and failures above it', () => {
    const { out, progress, pass } = progressOn(true, 100);
    pass(1_000);
    progress.settled('acme', 'done');
    expect(String(out.read())).toBe('1 of 100 (1 %) · 1.0 a second · 1 min 39 s left');
    pass(10);
    progress.settled('globex', 'done');
    // Ten times a second is enough.
    expect(out.read()).toBe(null);
    pass(990);
    progress.settled('hooli', 'failed: no', { failed: true, done: 50 });
    expect(String(out.read())).toBe(
      '\r\u001b[2Khooli: failed: no\n50 of 100 (50 %) · 1 failed · 25.0 a second · 2 s left',
    );
    progress.end();
    expect(String(out.read())).toBe('\r\u001b[2K');
    progress.end();
    expect(out.read()).toBe(null);
  });

  it('fits into the terminal', () => {
    const { out, progress, pass } = progressOn(true, 1_000_000);
    pass(1_000);
    progress.settled('acme', 'x', { failed: true });
    const [, line = ''] = String(out.read()).split('\n');
    expect(line.length).toBeLessThan(60);
  });

  it('says times as people do', () => {
    expect([0, 59, 60, 185, 7_800].map(duration)).toEqual(['0 s', '59 s', '1 min 0 s', '3 min 5 s', '2 h 10 min']);
  });
});

describe('a table', () => {
  it('has columns as wide as what is in them, and nothing without rows', () => {
    expect(table(['A', 'B'], [])).toEqual([]);
    expect(
      table(
        ['TENANT', 'N'],
        [
          ['a', 1],
          ['longer-id', undefined],
        ],
      ),
    ).toEqual(['TENANT     N', 'a          1', 'longer-id  -']);
  });

  it('lets nobody write to the terminal', () => {
    expect(table(['A'], [['a\u001b[31mred\n\r\tb']])).toEqual(['A', 'a [31mred b']);
  });
});
