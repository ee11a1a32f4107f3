// Takes away, one after the other, each of what keeps tenants apart, in a copy of the repository, and runs the
// tests that must notice. Fails if one removal goes unnoticed. By hand, some 20 minutes: `npm run test:cures [words]`,
// where the words choose cures by their names, or each by the beginning of their files below src/, as `http/ jobs/`.
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../test/support/postgres.ts';
import { cures } from './cures.mjs';

/** For each test file. */
const DEADLINE_MS = 180_000;
/** What was removed may let a test wait for ever. */
const TEST_TIMEOUT_MS = 10_000;
const COPIED = ['src', 'test', 'example-koa', 'docs', 'package.json', 'jest.config.js'];

const root = fileURLToPath(new URL('../', import.meta.url));
const words = process.argv.slice(2);
const chosen = cures.filter(
  ({ name, edits }) =>
    name.includes(words.join(' ')) || edits.some(({ file }) => words.some((word) => file.startsWith(word))),
);
if (chosen.length === 0) {
  throw new Error(`No cure has "${words.join(' ')}" in its name, nor files there; see scripts/cures.mjs.`);
}
const copy = await mkdtemp(join(tmpdir(), 'removed-cures-'));
const server = await startPostgres();
let unnoticed = 0;
try {
  for (const name of COPIED) {
    await cp(join(root, name), join(copy, name), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  const whole = await run([...new Set(chosen.flatMap(({ tests }) => tests))]);
  if (whole.failed.length > 0 || whole.total === 0) {
    throw new Error(`With every cure in place these fail already: ${whole.failed.join(' | ')}`);
  }
  console.log(`With every cure in place ${whole.total} tests pass.\n`);
  console.log('| trap | removed | failed | the first that fails |\n|---|---|---|---|');
  for (const cure of chosen) {
    const { failed, total } = await without(cure);
    unnoticed += failed.length === 0 ? 1 : 0;
    const first = failed[0]?.replaceAll('|', '\\|') ?? '**none: not noticed**';
    console.log(`| ${cure.trap} | ${cure.name} | ${failed.length} of ${total} | ${first} |`);
  }
} finally {
  await server.stop();
  await rm(copy, { recursive: true, force: true });
}
if (unnoticed > 0) {
  console.error(`\n${unnoticed} of ${chosen.length} removals were not noticed.`);
  // Not by `exitCode`: the embedded PostgreSQL's exit hook ends the process with 0.
  process.exit(1);
}

async function without({ edits, tests }) {
  const originals = new Map();
  for (const { file, from, to } of edits) {
    const path = join(copy, 'src', file);
    const text = await readFile(path, 'utf8');
    const changed = text.split(from).length > 1 ? text.replaceAll(globally(from), () => to) : text;
    if (changed === text) {
      throw new Error(`src/${file} holds no ${from}: bring scripts/cures.mjs up to date.`);
    }
    originals.set(path, originals.get(path) ?? text);
    await writeFile(path, changed);
  }
  try {
    return await run(tests);
  } finally {
    for (const [path, text] of originals) {
      await writeFile(path, text);
    }
  }
}

function globally(from) {
  return from instanceof RegExp ? new RegExp(from, `${from.flags}g`) : from;
}

/** Runs test files and gives the names of the tests that failed. A run that does not end has failed as well. */
async function run(tests) {
  const output = join(copy, 'result.json');
  await rm(output, { force: true });
  const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'];
  const options = ['--silent', '--forceExit', '--json', `--outputFile=${output}`, `--testTimeout=${TEST_TIMEOUT_MS}`];
  const patterns = tests.map((name) => (name.includes('/') ? `test/${name}` : `test/isolation/.*${name}`));
  const child = spawn(process.execPath, [...jest, ...options, ...patterns], {
    cwd: copy,
    env: { ...process.env, DATABASE_URL: server.url, ISOLATION_RUNS: '100' },
    stdio: 'ignore',
  });
  const deadlineMs = DEADLINE_MS * tests.length;
  const deadline = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(deadline);
  const result = await readFile(output, 'utf8').then(JSON.parse, () => undefined);
  if (result === undefined) {
    const how = child.signalCode === 'SIGKILL' ? `did not end within ${deadlineMs / 1000} s` : 'crashed';
    return { failed: [`${tests.join(', ')} ${how}`], total: 1 };
  }
  const assertions = result.testResults.flatMap(({ assertionResults }) => assertionResults);
  const unrun = result.testResults.find(({ assertionResults }) => assertionResults.length === 0);
  if (unrun !== undefined) {
    throw new Error(`A test file could not be run, so that an edit seems to be no TypeScript: ${unrun.message}`);
  }
  const failed = assertions.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
  return { failed, total: assertions.length };
}
