import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { DatabasePlace } from './CopyOptions.ts';
import { DatabaseCopyError } from './copyErrors.ts';

const run = promisify(execFile);

/** What is kept of what a program says on stderr. */
const SAID_CHARACTERS = 2_000;

/** Of a dump nothing says who owned it: the one who restores it does. Grants stay, and their roles must be there. */
const DUMP = ['--format=custom', '--no-owner', '--no-password', '--no-sync'];
const RESTORE = ['--no-owner', '--no-password', '--exit-on-error', '--single-transaction'];

/** PostgreSQL's own `pg_dump` and `pg_restore`. */
export class PgTools {
  readonly #folder: string | undefined;
  readonly major: number;

  private constructor(folder: string | undefined, major: number) {
    this.#folder = folder;
    this.major = major;
  }

  /** Those of `folder`, or of the PATH; `undefined` where there are none, or two that do not belong together. */
  static async find(folder?: string): Promise<PgTools | undefined> {
    const [dump, restore] = await Promise.all(['pg_dump', 'pg_restore'].map((name) => majorOf(folder, name)));
    return dump === undefined || dump !== restore ? undefined : new PgTools(folder, dump);
  }

  /** The database as a dump in the custom format. */
  async dump({ tenantId, place, signal }: ToolRun, to: Writable, tables: readonly string[] = []): Promise<void> {
    const child = await this.#start('pg_dump', [...DUMP, ...tables], { tenantId, place, signal });
    await Promise.all([pipeline(child.stdout as Readable, to), ended(child, 'pg_dump', tenantId)]);
  }

  /** Fills an empty database from a dump, whole or not at all. */
  async restore({ tenantId, place, signal }: ToolRun, from: Readable): Promise<void> {
    const args = [...RESTORE, `--dbname=${conninfo(place.database)}`];
    const child = await this.#start('pg_restore', args, { tenantId, place, signal });
    await Promise.all([
      // It stops reading where it fails, and says why.
      pipeline(from, child.stdin as Writable).catch(() => {}),
      ended(child, 'pg_restore', tenantId),
    ]);
  }

  /** From one database to another, without a file in between. */
  async copy({
    tenantId,
    from,
    to,
    signal,
  }: Omit<ToolRun, 'place'> & { from: DatabasePlace; to: DatabasePlace }): Promise<void> {
    const dump = await this.#start('pg_dump', DUMP, { tenantId, place: from, signal });
    const args = [...RESTORE, `--dbname=${conninfo(to.database)}`];
    const restore = await this.#start('pg_restore', args, { tenantId, place: to, signal });
    const results = await Promise.allSettled([
      ended(dump, 'pg_dump', tenantId),
      ended(restore, 'pg_restore', tenantId),
      pipeline(dump.stdout as Readable, restore.stdin as Writable).catch(() => {}),
    ]);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      throw failed.reason;
    }
  }

  async #start(name: string, args: readonly string[], { tenantId, place, signal }: ToolRun): Promise<ChildProcess> {
    signal?.throwIfAborted();
    const environment = await place.server.environment(place.database);
    if (environment === undefined) {
      throw new DatabaseCopyError(tenantId, `${name} cannot be given the \`ssl\` of server "${place.server.name}".`);
    }
    const env = { ...process.env, ...environment };
    return spawn(programOf(this.#folder, name), args, {
      env,
      stdio: 'pipe',
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

export interface ToolRun {
  readonly tenantId: string;
  readonly place: DatabasePlace;
  readonly signal?: AbortSignal | undefined;
}

async function ended(child: ChildProcess, name: string, tenantId: string): Promise<void> {
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-SAID_CHARACTERS);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) {
    throw new DatabaseCopyError(
      tenantId,
      `${name} ended with ${code ?? 'a signal'}: ${said.trim() || 'it said nothing'}`,
    );
  }
}

async function majorOf(folder: string | undefined, name: string): Promise<number | undefined> {
  try {
    const { stdout } = await run(programOf(folder, name), ['--version']);
    const [, major] = /(\d+)(?:\.\d+|devel|beta|rc)/.exec(stdout) ?? [];
    return major === undefined ? undefined : Number(major);
  } catch {
    // It is not there, or does not run here.
    return undefined;
  }
}

function programOf(folder: string | undefined, name: string): string {
  return folder === undefined ? name : join(folder, name);
}

/** `pg_restore` takes its database from nowhere else; quoted, since a name could be a connection string. */
function conninfo(database: string): string {
  return `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
