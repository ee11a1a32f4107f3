import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { CliWorld } from '../../support/cli/CliWorld.ts';
import { ROOT } from '../../support/docs.ts';

/** The words of a line as a shell has them; the page uses single quotes and nothing else. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');

describe('the page about the command line', () => {
  it('has commands that do what they should, one after the other', async () => {
    const page = readFileSync(join(ROOT, 'docs/cli.md'), 'utf8');
    const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
    const lines = blocks.flatMap((block) => block.trim().split('\n'));
    expect(lines.length).toBeGreaterThan(30);
    await using world = await CliWorld.create(2);
    world.write('count.mjs', 'export default async (em) => (await em.execute("select 1 as one")).length;');
    for (const line of lines) {
      const [program, ...words] = wordsOf(line).map((word) => word.replace(/^acme$/, 't00').replace(/^globex$/, 't01'));
      expect(program).toBe('tenants');
      const { code, stderr } = await world.run(words);
      // The only one that says by its exit code what it found.
      const expected = line.includes('--check') ? [0, 1] : [0];
      expect([line, expected.includes(code), code === 0 ? '' : stderr]).toEqual([
        line,
        true,
        code === 0 ? '' : expect.any(String),
      ]);
    }
  }, 180_000);
});
