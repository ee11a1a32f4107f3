import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../postgres.ts';

/** Where Debian puts it; elsewhere it is found by the path. */
const PROGRAMS = ['pgbouncer', '/usr/sbin/pgbouncer'];
/** What it says once it listens. */
const UP = /process up/;

export interface PgBouncerOptions {
  /** Server connections for each database. */
  readonly poolSize?: number;
  /** Server connections in all; for another database an idle one is closed. 0 is no limit. */
  readonly maxServerConnections?: number;
  readonly maxClients?: number;
}

/** A PgBouncer in transaction mode before a PostgreSQL: whatever database is asked for, it is asked for there. */
export class PgBouncer implements AsyncDisposable {
  /** `postgresql://user:password@host:port` of the pooler, the same after every start. */
  readonly url: string;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(url: string, folder: string) {
    this.url = url;
    this.#folder = folder;
  }

  /** The program, where it is installed. */
  static get program(): string | undefined {
    return PROGRAMS.find((program) => spawnSync(program, ['--version']).status === 0);
  }

  static async start(server: string, options: PgBouncerOptions = {}): Promise<PgBouncer> {
    const { poolSize = 2, maxServerConnections = 0, maxClients = 200 } = options;
    const folder = await mkdtemp(join(tmpdir(), 'tenancy-pgbouncer-'));
    const target = new URL(server);
    const url = new URL(server);
    url.hostname = '127.0.0.1';
    url.port = String(await freePort());
    const users = join(folder, 'users.txt');
    const password = decodeURIComponent(target.password);
    await writeFile(users, `"${decodeURIComponent(target.username)}" "${password}"\n`);
    await writeFile(
      join(folder, 'pgbouncer.ini'),
      `[databases]
* = host=${target.hostname} port=${target.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${url.port}
unix_socket_dir =
auth_type = plain
auth_file = ${users}
admin_users = ${decodeURIComponent(target.username)}
pool_mode = transaction
default_pool_size = ${poolSize}
max_user_connections = ${maxServerConnections}
max_client_conn = ${maxClients}
server_check_delay = 0
`,
    );
    // PgBouncer refuses to run as root, and gives itself to this user then, who must read its files.
    await chmod(folder, 0o755);
    const pooler = new PgBouncer(url.href, folder);
    await pooler.start();
    return pooler;
  }

  async start(): Promise<void> {
    const program = PgBouncer.program;
    if (program === undefined) {
      throw new Error('PgBouncer is not installed');
    }
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    const child = spawn(program, [...user, join(this.#folder, 'pgbouncer.ini')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    let output = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr.on('data', (text) => {
        output += String(text);
        if (UP.test(output)) {
          resolve();
        }
      });
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`PgBouncer did not start:\n${output}`)));
    });
  }

  /** Lets one more role in, by its password. */
  async allow(user: string, password: string): Promise<void> {
    await appendFile(join(this.#folder, 'users.txt'), `"${user}" "${password}"\n`);
    await this.console('reload');
  }

  /** Ends it at once, with its connections on both sides, as a crash does. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
  }

  /** What its console says, such as `show clients`. */
  async console<R extends object>(command: string): Promise<R[]> {
    const client = new pg.Client({ connectionString: `${this.url.replace(/\/$/, '')}/pgbouncer` });
    await client.connect();
    try {
      const { rows } = await client.query(command);
      return rows as R[];
    } finally {
      await client.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
