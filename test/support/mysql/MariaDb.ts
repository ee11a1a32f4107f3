import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { describeWhere } from '../describeWhere.ts';
import { freePort, serverFolder } from '../postgres.ts';

/** Where Debian puts it; elsewhere it is found by the path. */
const PROGRAMS = ['mariadbd', '/usr/sbin/mariadbd'];
/** Where the statements are by which a server gets its own tables. */
const SHARES = ['/usr/share/mysql', '/usr/share/mariadb'];
const SYSTEM_TABLES = ['mysql_system_tables.sql', 'mysql_performance_tables.sql', 'mysql_system_tables_data.sql'];

/** Nothing here needs to survive a crash of the machine, and nothing of the machine's own settings is read. */
const SETTINGS = [
  '--no-defaults',
  '--innodb-log-file-size=8M',
  '--innodb-buffer-pool-size=64M',
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-flush-method=nosync',
  '--skip-name-resolve',
  '--skip-log-bin',
];

/** The account of the application: all databases, as an administrator gives them to it. */
export const APP: Readonly<Record<'user' | 'password', string>> = Object.freeze({ user: 'app', password: 'se:cr@et' });

interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** A real MariaDB on a port of its own, whose data goes with it. */
export class MariaDb implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #maxConnections: number;
  readonly #as: Account;
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number, maxConnections: number) {
    this.#folder = folder;
    this.port = port;
    this.#maxConnections = maxConnections;
    this.#as = accountOf();
  }

  static get isInstalled(): boolean {
    return program() !== undefined && share() !== undefined;
  }

  static async start({ maxConnections = 150 } = {}): Promise<MariaDb> {
    const folder = await serverFolder('mariadb', 'pid');
    const server = new MariaDb(folder, await freePort(), maxConnections);
    await server.#initialise();
    await server.restart();
    await server.query(`create user ${APP.user}@'%' identified by '${APP.password}'`);
    await server.query(`grant all on *.* to ${APP.user}@'%'`);
    return server;
  }

  /** Of {@link APP}, or of another account. */
  urlOf({ user = APP.user, password = APP.password, port = this.port } = {}): string {
    return `mysql://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}`;
  }

  /** Around the library, as the administrator. */
  async query<R = Record<string, unknown>>(sql: string, database?: string): Promise<R[]> {
    const client = await createConnection({
      host: '127.0.0.1',
      port: this.port,
      user: 'root',
      ...(database === undefined ? {} : { database }),
      multipleStatements: true,
    });
    try {
      const [rows] = await client.query(sql);
      return rows as R[];
    } finally {
      await client.end();
    }
  }

  /** The sessions of the application now, without that of an administrator. */
  sessions(): Promise<{ id: number; db: string | null }[]> {
    return this.query(`select id, db from information_schema.processlist where user = '${APP.user}' order by id`);
  }

  async #initialise(): Promise<void> {
    const { uid, gid } = this.#as;
    for (const name of ['.', 'data', 'tmp']) {
      await mkdir(join(this.#folder, name), { recursive: true });
      if (uid !== undefined && gid !== undefined) {
        await chown(join(this.#folder, name), uid, gid);
      }
    }
    const tables = await Promise.all(SYSTEM_TABLES.map((file) => readFile(join(share() ?? '', file), 'utf8')));
    const child = this.#spawn(['--bootstrap'], 'pipe');
    const exited = once(child, 'exit');
    const statements = ['create database mysql;', 'use mysql;', 'set @auth_root_socket=null;', ...tables, ''];
    child.stdin?.end(statements.join('\n'));
    let output = '';
    child.stderr?.on('data', (text) => {
      output += String(text);
    });
    const [code] = await exited;
    if (code !== 0) {
      throw new Error(`MariaDB could not be initialised:\n${output}`);
    }
  }

  /** Starts it, again where it was stopped, on the same port. */
  async restart(): Promise<void> {
    const child = this.#spawn(
      [
        `--port=${this.port}`,
        '--bind-address=127.0.0.1',
        `--socket=${join(this.#folder, 'tmp/socket')}`,
        `--pid-file=${join(this.#folder, 'pid')}`,
        `--max-connections=${this.#maxConnections}`,
      ],
      'ignore',
    );
    this.#process = child;
    let output = '';
    await new Promise<void>((resolve, reject) => {
      child.stderr?.on('data', (text) => {
        output += String(text);
        if (output.includes('ready for connections')) {
          resolve();
        }
      });
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`MariaDB did not start:\n${output}`)));
    });
  }

  /** Ends it, with its connections, as an administrator does. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end('SIGKILL');
    await rm(this.#folder, { recursive: true, force: true });
  }

  #spawn(settings: readonly string[], stdin: 'pipe' | 'ignore'): ChildProcess {
    const folders = [`--datadir=${join(this.#folder, 'data')}`, `--tmpdir=${join(this.#folder, 'tmp')}`];
    return spawn(program() ?? '', [...SETTINGS, ...folders, ...settings], {
      stdio: [stdin, 'ignore', 'pipe'],
      ...this.#as,
    });
  }
}

/** A `describe` of what only a real server shows. */
export function describeWithMariaDb(title: string, cases: () => void): void {
  const { isInstalled } = MariaDb;
  describeWhere({ name: 'MariaDB', isInstalled, package: 'mariadb-server-core' }, title, cases);
}

function program(): string | undefined {
  return PROGRAMS.find((name) => spawnSync(name, ['--no-defaults', '--version']).status === 0);
}

function share(): string | undefined {
  return SHARES.find((folder) => existsSync(join(folder, SYSTEM_TABLES[0] as string)));
}

/** The server refuses to run as root. */
function accountOf(): Account {
  if (process.getuid?.() !== 0) {
    return {};
  }
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'nobody']).toString()));
  return { uid: uid as number, gid: gid as number };
}
