import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { adminQuery } from '../../support/databases.ts';

const SUPPORT = new URL('../../support/postgres.ts', import.meta.url).href;
const PROGRAM = `
  import { startPostgres } from ${JSON.stringify(SUPPORT)};
  const { url } = await startPostgres({ maxConnections: 20 });
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url + '/postgres' });
  await client.connect();
  const { rows } = await client.query("select current_setting('data_directory') as folder");
  await client.end();
  console.log(rows[0].folder);
  setInterval(() => {}, 1000);
`;

/** A server of one's own is not ours to end, and the embedded one need not be installed beside it. */
const itOwns = process.env['DATABASE_URL'] ? it.skip : it;

describe('the PostgreSQL of the tests', () => {
  it('is a real one', async () => {
    const [row] = await adminQuery<{ version: string }>('select version()');
    expect(row?.version).toMatch(/^PostgreSQL \d/);
  });

  itOwns.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'ends with a process that %s ends, and leaves no folder',
    async (signal) => {
      const { DATABASE_URL: _, ...env } = process.env;
      const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
        env: { ...env, NODE_OPTIONS: '' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      const data = line.toString().trim();
      const postmaster = Number(readFileSync(`${data}/postmaster.pid`, 'utf8').split('\n')[0]);
      expect(isAlive(postmaster)).toBe(true);
      child.kill(signal);
      await once(child, 'exit');
      // Another process ends it in its own time; there is nothing to be told by.
      for (let attempt = 0; attempt < 200 && (isAlive(postmaster) || existsSync(dirname(data))); attempt += 1) {
        await pause(50);
      }
      expect({ postgres: isAlive(postmaster), folder: existsSync(dirname(data)) }).toEqual({
        postgres: false,
        folder: false,
      });
    },
  );
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
