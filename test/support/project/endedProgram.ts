import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serverUrl } from '../databases.ts';
import { ROOT } from '../docs.ts';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program that comes to an end in a process of its own, over our source. */
export async function endedProgram(program: string, cwd: string, args: readonly string[] = []): Promise<Ended> {
  const hook = join(ROOT, 'test/support/resolveSource.mjs');
  const node = ['--disable-warning=ExperimentalWarning', '--import', hook, program, ...args];
  const env = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', DATABASE_URL: serverUrl() };
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, node, { cwd, env, timeout: 60_000 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}
