import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { adminQuery, createDatabase, dropDatabase, serverUrl, uniqueName } from '../support/databases.ts';
import { codeBlocks, ROOT } from '../support/docs.ts';
import { freePort } from '../support/postgres.ts';

const blocks = codeBlocks();
let folder = '';

beforeAll(() => {
  // Inside the repository, so that packages resolve as they do for its own code.
  mkdirSync(join(ROOT, 'coverage'), { recursive: true });
  folder = mkdtempSync(join(ROOT, 'coverage', 'docs-'));
  writeFileSync(join(folder, 'manager.ts'), "export { House, manager } from '../../test/support/docs.manager.ts';\n");
  writeFileSync(join(folder, 'central.ts'), "export * from '../../test/support/docs.central.ts';\n");
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', include: ['*.ts'], exclude: [] }),
  );
  for (const { name, code } of blocks) {
    writeFileSync(join(folder, `${name}.ts`), code);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the documentation', () => {
  it('has code on every page that promises some', () => {
    expect(blocks.length).toBeGreaterThan(10);
    expect(blocks.filter(({ isProgram }) => isProgram).length).toBeGreaterThan(0);
  });

  it('type-checks', async () => {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).catch((error) => error);
    expect(stdout).toBe('');
  }, 60_000);

  it("begins with a program that runs, and keeps two tenants' houses apart", async () => {
    const [acme, globex] = [uniqueName('readme_acme'), uniqueName('readme_globex')];
    await Promise.all([createDatabase(acme), createDatabase(globex)]);
    const program = blocks.find(({ isProgram }) => isProgram)?.code ?? '';
    const file = join(folder, 'first-program.ts');
    // Only the databases get names of this run.
    const own = program
      .replace("database: 'acme'", `database: '${acme}'`)
      .replace("database: 'globex'", `database: '${globex}'`);
    writeFileSync(file, own);
    const port = await freePort();
    const hook = new URL('../support/resolveSource.mjs', import.meta.url).href;
    const child = spawn(process.execPath, ['--import', hook, file], {
      env: { ...process.env, DATABASE_URL: serverUrl(), PORT: String(port), NODE_OPTIONS: '' },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    try {
      await answering(port, child);
      await adminQuery("insert into house (address) values ('1 Acme Street')", [], acme);
      expect(await houses(port, 'acme')).toEqual([{ id: 1, address: '1 Acme Street' }]);
      expect(await houses(port, 'globex')).toEqual([]);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
      await Promise.all([dropDatabase(acme), dropDatabase(globex)]);
    }
  }, 60_000);
});

async function houses(port: number, tenant: string): Promise<unknown> {
  const [response] = (await once(
    get({ port, host: '127.0.0.1', headers: { host: `${tenant}.localhost:${port}` } }),
    'response',
  )) as [IncomingMessage];
  return json(response);
}

/** Resolves when the program accepts connections; rejects when it exits before, or after half a minute. */
async function answering(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 300 && child.exitCode === null; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
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
  throw new Error('The first program of the README did not start.');
}
