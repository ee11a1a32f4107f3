import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { ROOT } from '../support/docs.ts';

describe('the page about the API', () => {
  it('is what the docstrings say, and every export has one', async () => {
    const check = promisify(execFile)(process.execPath, [join(ROOT, 'scripts/docs-api.mjs'), '--check']);
    expect(
      await check.then(
        () => '',
        ({ stderr }: { readonly stderr: string }) => stderr,
      ),
    ).toBe('');
  }, 120_000);
});
