import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseNames } from '../../../src/provisioning/databaseNames.ts';
import { adminQuery, createDatabase, dropDatabase, uniqueName } from '../databases.ts';
import { ROOT } from '../docs.ts';
import { type Ended, endedProgram } from './endedProgram.ts';
import { StartedProgram } from './StartedProgram.ts';

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
    return this.run(join(ROOT, 'src/cli/main.ts'), ...args);
  }

  /** Runs a program that comes to an end. */
  run(program: string, ...args: string[]): Promise<Ended> {
    return endedProgram(program, this.folder, args);
  }

  typecheck(): Promise<Ended> {
    return endedProgram(join(ROOT, 'node_modules/typescript/bin/tsc'), this.folder, ['-p', '.']);
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
}
