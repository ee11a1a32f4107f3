import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { runCli } from '../../../src/cli/runCli.ts';

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

/** A folder, and `tenants` run in it, within this process. */
export class CommandFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'tenants-cli-'));

  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.path, file)), { recursive: true });
    writeFileSync(join(this.path, file), text);
  }

  read(file: string): string {
    return readFileSync(join(this.path, file), 'utf8');
  }

  files(): string[] {
    return readdirSync(this.path).sort();
  }

  run(...args: string[]): Promise<CliResult> {
    return this.runAs(args, {});
  }

  runAs(args: readonly string[], options: CliRun): Promise<CliResult> {
    return runTenants(this.path, args, options);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

/** Runs `tenants` in a folder, within this process. */
export async function runTenants(cwd: string, args: readonly string[], options: CliRun = {}): Promise<CliResult> {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const [stdout, stderr] = [text(out), text(err)];
  const { isTerminal: isTTY = false, signal = new AbortController().signal, env = {} } = options;
  const code = await runCli(args, {
    stdin: Object.assign(Readable.from([Buffer.from(options.stdin ?? '')]), { isTTY }),
    stdout: Object.assign(out, { isTTY, columns: 200 }),
    stderr: Object.assign(err, { isTTY, columns: 200 }),
    ...{ cwd, env, signal },
  });
  out.end();
  err.end();
  const [o, e] = [await stdout, await stderr];
  return { code, stdout: o, stderr: e, json: () => JSON.parse(o) };
}

async function text(stream: PassThrough): Promise<string> {
  let all = '';
  for await (const chunk of stream) {
    all += String(chunk);
  }
  return all;
}
