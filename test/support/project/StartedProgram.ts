import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { serverUrl } from '../databases.ts';
import { freePort } from '../postgres.ts';

export interface ProgramAnswer {
  readonly status: number;
  /** Parsed, where it is JSON. */
  readonly body: unknown;
}

/** A program of the documentation that listens on `PORT` and has its databases on `DATABASE_URL`, over our source. */
export class StartedProgram implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
  }

  /** Resolves when it accepts connections; rejects when it exits before, or after half a minute. */
  static async start(file: string, cwd: string): Promise<StartedProgram> {
    const port = await freePort();
    const hook = new URL('../resolveSource.mjs', import.meta.url).href;
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--import', hook, file], {
      cwd,
      env: { ...process.env, DATABASE_URL: serverUrl(), PORT: String(port), NODE_OPTIONS: '' },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const program = new StartedProgram(child, port);
    try {
      await program.#answering(file);
      return program;
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What it answers to a request for `host`; `body` is sent as JSON, by POST. */
  async ask(host: string, path = '/', body?: unknown): Promise<ProgramAnswer> {
    const asked = request({
      ...{ port: this.#port, host: '127.0.0.1', path, method: body === undefined ? 'GET' : 'POST' },
      headers: { host: `${host}:${this.#port}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const said = await text(response);
    const isJson = response.headers['content-type']?.startsWith('application/json') === true;
    return { status: response.statusCode ?? 0, body: isJson ? JSON.parse(said) : said };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) {
      await once(this.#child, 'exit');
    }
  }

  async #answering(file: string): Promise<void> {
    for (let attempt = 0; attempt < 300 && this.#child.exitCode === null; attempt += 1) {
      const socket = connect(this.#port, '127.0.0.1');
      try {
        await once(socket, 'connect');
        return;
      } catch {
        // Another process starts in its own time; there is nothing to be told by.
        await pause(100);
      } finally {
        socket.destroy();
      }
    }
    throw new Error(`${file} did not start.`);
  }
}
