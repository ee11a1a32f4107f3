import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { runCli } from '../../../src/cli/runCli.ts';
import { serverUrl } from '../databases.ts';
import { FLEET_MIGRATIONS, type FleetMigrations, FleetWorld } from '../fleet/FleetWorld.ts';
import { House } from '../manager/TestTenants.ts';

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What it printed, which must be JSON. */
  json(): unknown;
}

export interface CliRun {
  readonly stdin?: string;
  readonly isTerminal?: boolean;
  readonly signal?: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
}

declare global {
  var tenancyTestConfigs: Map<string, unknown> | undefined;
}

/** A project with tenants, and `tenants` run in it, within this process. */
export class CliWorld implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tenants-cli-'));
  readonly fleet: FleetWorld;

  private constructor(fleet: FleetWorld) {
    this.fleet = fleet;
  }

  static async create(count: number, migrations: FleetMigrations = FLEET_MIGRATIONS): Promise<CliWorld> {
    const world = new CliWorld(await FleetWorld.create(count));
    world.configure(migrations);
    return world;
  }

  /** Configures the project with these migrations, which the file takes from this process. */
  configure(migrations: FleetMigrations): void {
    globalThis.tenancyTestConfigs ??= new Map();
    globalThis.tenancyTestConfigs.set(this.folder, {
      orm: { entities: [House], migrations: { migrationsList: [...migrations] } },
      server: serverUrl(),
      central: { database: this.fleet.central },
    });
    this.write(
      'tenancy.config.mjs',
      `export default () => globalThis.tenancyTestConfigs.get(${JSON.stringify(this.folder)});
       export const domainSecrets = ['0123456789abcdef0123456789abcdef'];`,
    );
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  async run(args: readonly string[], options: CliRun = {}): Promise<CliResult> {
    const [out, err] = [new PassThrough(), new PassThrough()];
    const [stdout, stderr] = [text(out), text(err)];
    const { isTerminal: isTTY = false, signal = new AbortController().signal, env = {} } = options;
    const code = await runCli(args, {
      stdin: Object.assign(Readable.from([Buffer.from(options.stdin ?? '')]), { isTTY }),
      stdout: Object.assign(out, { isTTY, columns: 200 }),
      stderr: Object.assign(err, { isTTY, columns: 200 }),
      ...{ cwd: this.folder, env, signal },
    });
    out.end();
    err.end();
    const [o, e] = [await stdout, await stderr];
    return { code, stdout: o, stderr: e, json: () => JSON.parse(o) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    globalThis.tenancyTestConfigs?.delete(this.folder);
    rmSync(this.folder, { recursive: true });
    await this.fleet[Symbol.asyncDispose]();
  }
}

async function text(stream: PassThrough): Promise<string> {
  let all = '';
  for await (const chunk of stream) {
    all += String(chunk);
  }
  return all;
}
