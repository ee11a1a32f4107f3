import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { CentralCatalogOptions } from 'mikro-orm-multitenancy';
import { serverUrl } from '../databases.ts';
import { until } from '../manager/TestTenants.ts';

/** Another process that runs work of one tenant again and again. */
export class TenantProcess implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: string[] = [];

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    createInterface(child.stdout).on('line', (line) => this.#lines.push(line));
    child.stderr.on('data', (data) => this.#lines.push(`stderr: ${data}`));
  }

  static async start(database: string, id: string, cache: CentralCatalogOptions): Promise<TenantProcess> {
    const folder = join(import.meta.dirname, '..');
    const node = ['--disable-warning=ExperimentalWarning', '--import', join(folder, 'resolveSource.mjs')];
    const args = [...node, join(folder, 'central/tenantProgram.ts'), serverUrl(), database, id, JSON.stringify(cache)];
    return new TenantProcess(spawn(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: '' } }));
  }

  /** Waits for the next thing that it says, which must be `what`. */
  async says(what: string): Promise<void> {
    await until(async () => this.#lines.length > 0, `it does not say ${what}`);
    const said = this.#lines.shift();
    if (said !== what) {
      throw new Error(`It says ${said} instead of ${what}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.stdin.end();
    await exited;
  }
}
