// Changes the sources in a copy, one place at a time, and asks the tests of a part whether they notice.
// By hand, for minutes to an hour a part: `npm run test:mutation [-- part …]`. README.md has the figures.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../support/postgres.ts';
import { parts } from './parts.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const here = fileURLToPath(new URL('./', import.meta.url));
const STRYKER = 'test/mutation/node_modules/@stryker-mutator/core/bin/stryker.js';

const chosen = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts);
const unknown = chosen.find((part) => !Object.hasOwn(parts, part));
if (unknown !== undefined) {
  throw new Error(`There is no part "${unknown}". There are: ${Object.keys(parts).join(', ')}.`);
}
if (!existsSync(`${root}${STRYKER}`) && (await run('npm', ['ci', '--no-audit', '--no-fund'], here)) !== 0) {
  throw new Error('Stryker could not be installed: see above.');
}
const server = await startPostgres();
let failed = 0;
try {
  for (const part of chosen) {
    const env = { MUTATION_PART: part, TEST_DATABASE_URL: server.url };
    failed +=
      (await run(process.execPath, [STRYKER, 'run', 'test/mutation/stryker.config.mjs'], root, env)) === 0 ? 0 : 1;
  }
} finally {
  await server.stop();
}
// Not by `exitCode`: the embedded PostgreSQL's exit hook ends the process with 0.
process.exit(failed === 0 ? 0 : 1);

/** Gives the exit code. */
async function run(command, args, cwd, env = {}) {
  const shell = process.platform === 'win32';
  const child = spawn(command, args, { cwd, shell, stdio: 'inherit', env: { ...process.env, ...env } });
  const [code] = await once(child, 'close');
  return code;
}
