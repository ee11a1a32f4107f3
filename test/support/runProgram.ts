import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BundledProgram } from './BundledProgram.ts';

const run = promisify(execFile);

/**
 * Runs a program of `test/support` in a process of its own, over the package's source, and gives what it printed.
 * Rejects when it fails or takes longer than 60 seconds. A bundled one has its source within.
 */
export async function runProgram(
  program: string | BundledProgram,
  args: readonly string[],
  nodeOptions: readonly string[] = [],
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const resolve = join(import.meta.dirname, 'resolveSource.mjs');
  const env = { ...process.env, NODE_OPTIONS: '' };
  const source =
    typeof program === 'string' ? ['--import', resolve, join(import.meta.dirname, program)] : [program.file];
  const node = ['--disable-warning=ExperimentalWarning', ...nodeOptions, ...source, ...args];
  return run(process.execPath, node, { timeout: 60_000, env });
}
