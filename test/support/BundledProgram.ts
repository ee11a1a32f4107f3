import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './docs.ts';

const run = promisify(execFile);

/**
 * A program of `test/support` as one file, for tests that start it some hundred times: to find and read a thousand modules
 * takes more than all that it does.
 */
export class BundledProgram implements Disposable {
  readonly file: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.file = join(folder, 'program.mjs');
  }

  static async of(program: string): Promise<BundledProgram> {
    // Inside the repository, so that what is not in the bundle is found.
    mkdirSync(join(ROOT, 'coverage'), { recursive: true });
    const bundled = new BundledProgram(mkdtempSync(join(ROOT, 'coverage', 'program-')));
    const env = { ...process.env, NODE_OPTIONS: '', PROGRAM: `./${program}`, BUNDLE: bundled.#folder };
    const config = join(import.meta.dirname, 'rolldown.config.mjs');
    await run(process.execPath, [join(ROOT, 'node_modules/rolldown/bin/cli.mjs'), '--config', config], { env });
    return bundled;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
