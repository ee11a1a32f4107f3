import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { DatabaseNames } from '../../../src/provisioning/databaseNames.ts';
import { adminQuery, createDatabase, dropDatabase, serverUrl, uniqueName } from '../databases.ts';
import { ROOT } from '../docs.ts';
import { StartedProgram } from './StartedProgram.ts';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A project of an application in a folder of its own. Its databases begin with its name. */
export class ScratchProject implements AsyncDisposable {
  readonly name = uniqueName('scratch');
  readonly folder: string;

  constructor() {
    // Inside the repository, so that packages resolve as they do for its own code.
    mkdirSync(join(ROOT, 'coverage'), { recursive: true });
    this.folder = mkdtempSync(join(ROOT, 'coverage', 'project-'));
  }

  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.folder, file)), { recursive: true });
    writeFileSync(join(this.folder, file), text);
  }

  read(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8');
  }

  files(): string[] {
    return readdirSync(this.folder, { recursive: true, encoding: 'utf8' }).sort();
  }

  async createDatabase(): Promise<void> {
    await createDatabase(this.name);
  }

  /** Runs `tenants`. */
  tenants(...args: string[]): Promise<Ended> {
    return this.#node(
      [
        ...['--disable-warning=ExperimentalWarning', '--import', join(ROOT, 'test/support/resolveSource.mjs')],
        join(ROOT, 'src/cli/main.ts'),
      ],
      args,
    );
  }

  typecheck(): Promise<Ended> {
    return this.#node([join(ROOT, 'node_modules/typescript/bin/tsc')], ['-p', '.']);
  }

  start(file: string): Promise<StartedProgram> {
    return StartedProgram.start(join(this.folder, file), this.folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
    const owned = [this.name, new DatabaseNames(`${this.name}_central`).prefix];
    const rows = await adminQuery<{ datname: string }>(
      'select datname from pg_database where starts_with(datname, $1) or starts_with(datname, $2)',
      owned,
    );
    for (const { datname } of rows) {
      await adminQuery(`alter database "${datname}" with is_template false`);
      await dropDatabase(datname);
    }
  }

  async #node(program: readonly string[], args: readonly string[]): Promise<Ended> {
    try {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [...program, ...args], {
        cwd: this.folder,
        env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', DATABASE_URL: serverUrl() },
      });
      return { code: 0, stdout, stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as Ended;
      return { code, stdout, stderr };
    }
  }
}
