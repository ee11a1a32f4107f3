import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ROOT } from '../support/docs.ts';

interface Cure {
  readonly name: string;
  readonly edits: readonly { readonly file: string; readonly from: string | RegExp }[];
}

/** `npm run test:cures` takes each away and runs the tests that must notice; that takes too long for every run. */
const { cures }: { cures: readonly Cure[] } = await import(join(ROOT, 'scripts/cures.mjs'));

describe('the cures that can be taken away', () => {
  it('are where the script looks for them', () => {
    const missing = cures.flatMap(({ name, edits }) =>
      edits
        .filter(({ file, from }) => {
          const source = readFileSync(join(ROOT, 'src', file), 'utf8');
          return !(typeof from === 'string' ? source.includes(from) : from.test(source));
        })
        .map(({ file }) => `${name} (${file})`),
    );
    expect(missing).toEqual([]);
    expect(cures.length).toBeGreaterThan(120);
  });
});
