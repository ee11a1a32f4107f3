import { execFile, execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { chown, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { queryAt } from '../databases.ts';
import { FORGETFUL, flagsOf, freePort, postgresFolder } from '../postgres.ts';

const run = promisify(execFile);

/** A PostgreSQL of the operating system's packages, with its programs. Not the one that the other tests run on. */
export class SystemPostgres implements AsyncDisposable {
  /** Where the newest one's programs are; `undefined` where there is none. */
  static readonly programs: string | undefined = globSync('/usr/lib/postgresql/*/bin/pg_restore')
    .map((file) => join(file, '..'))
    .filter((folder) => globSync(join(folder, '{initdb,postgres,pg_ctl,pg_dump}')).length === 4)
    .sort()
    .at(-1);

  readonly url: string;
  readonly #folder: string;
  readonly #as: { readonly uid?: number; readonly gid?: number };

  private constructor(folder: string, port: number, as: { readonly uid?: number; readonly gid?: number }) {
    this.#folder = folder;
    this.#as = as;
    this.url = `postgresql://postgres:password@127.0.0.1:${port}`;
  }

  static async start({ maxConnections = 100 } = {}): Promise<SystemPostgres> {
    const folder = await postgresFolder();
    const port = await freePort();
    const server = new SystemPostgres(folder, port, userOf());
    const passwords = join(folder, 'password');
    await writeFile(passwords, 'password');
    const { uid, gid } = server.#as;
    if (uid !== undefined && gid !== undefined) {
      await Promise.all([folder, passwords].map((path) => chown(path, uid, gid)));
    }
    const data = join(folder, 'data');
    await server.#run('initdb', ['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', '--pwfile', passwords]);
    const settings = {
      ...FORGETFUL,
      max_connections: maxConnections,
      port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: folder,
    };
    await server.#run('pg_ctl', [
      '-D',
      data,
      '-w',
      '-l',
      join(folder, 'log'),
      '-o',
      flagsOf(settings).join(' '),
      'start',
    ]);
    return server;
  }

  query<R extends Record<string, unknown>>(text: string, database?: string): Promise<R[]> {
    return queryAt<R>(this.url, text, [], database);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#run('pg_ctl', ['-D', join(this.#folder, 'data'), '-w', '-m', 'immediate', 'stop']);
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #run(program: string, args: readonly string[]): Promise<void> {
    await run(join(SystemPostgres.programs ?? '', program), args, { ...this.#as, cwd: this.#folder });
  }
}

/** The server refuses to run as root. */
function userOf(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) {
    return {};
  }
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postgres']).toString()));
  return { uid: uid as number, gid: gid as number };
}
