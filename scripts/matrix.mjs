// Runs what leans most on PostgreSQL, Node.js and MikroORM with other versions of these, each in a copy of the
// repository, and prints a table. By hand, some 5 minutes a cell: `npm run test:matrix [-- words]`, where the words
// choose cells by their names. PostgreSQL 15 is that of the operating system: `apt-get install postgresql`.
import { spawn } from 'node:child_process';
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SystemPostgres } from '../test/support/provisioning/SystemPostgres.ts';

const DEADLINE_MS = 3_600_000;
/** Two processors may have other work as well. */
const TEST_TIMEOUT_MS = 60_000;
const NOT_COPIED = new Set(['node_modules', '.git', 'dist', '.data', 'coverage']);
const TESTS = [
  '/test/contract/',
  '/test/isolation/',
  'test/integration/manager/',
  'test/integration/metadata/(features|legacy|missingDatabase|ormServices|selfTest)',
  'test/integration/connections/(rightDatabase|replicas|session)',
  'test/integration/migrations/(migrator|once|gate/gate|status/fingerprint)',
  'test/integration/provisioning/(clone|provision|roles)',
  'test/unit/koa/(sessions|leaseLifetime)',
];

/** All of a set of MikroORM but the seeder, which is not in the registry as 7.2.0. */
const MIKRO_ORM_7_2_0 = versions('7.2.0', ['core', 'sql', 'postgresql', 'migrations', 'decorators', 'cli']);
/** What is in the registry as 7.2.5; the rest of the set is not, and stays at 7.2.1. */
const MIKRO_ORM_7_2_5 = versions('7.2.5', ['core', 'sql', 'postgresql']);

/** Every pair of two versions is in one of the first four. */
const cells = [
  {
    name: 'lowest: PostgreSQL 15, Node 22.17.0, MikroORM 7.2.0',
    isOnSystemPostgres: true,
    packages: { ...MIKRO_ORM_7_2_0, node: '22.17.0', kysely: '0.29.5', koa: '3.1.2' },
  },
  { name: 'PostgreSQL 15, Node 24, MikroORM 7.2.1', isOnSystemPostgres: true, packages: {} },
  { name: 'PostgreSQL 18, Node 22, MikroORM 7.2.1', packages: { node: '22' } },
  { name: 'PostgreSQL 18, Node 24, MikroORM 7.2.0', packages: { ...MIKRO_ORM_7_2_0, kysely: '0.29.5' } },
  {
    name: 'newest: PostgreSQL 18, Node 24, MikroORM 7.2.5',
    packages: { ...MIKRO_ORM_7_2_5, kysely: '^0.29.6', pg: '^8.23.0', koa: '^3.3.0' },
    overrides: MIKRO_ORM_7_2_5,
  },
];

const root = fileURLToPath(new URL('../', import.meta.url));
const words = process.argv.slice(2).join(' ');
const chosen = cells.filter(({ name }) => name.includes(words));
if (chosen.length === 0) {
  throw new Error(`No cell has "${words}" in its name; see scripts/matrix.mjs.`);
}
let failures = 0;
const lines = ['| cell | installed | passed | failed | skipped |', '|---|---|---|---|---|'];
for (const cell of chosen) {
  const { installed, passed, failed, skipped } = await runCell(cell);
  failures += failed.length;
  lines.push(`| ${cell.name} | ${installed} | ${passed} | ${failed.length} | ${skipped} |`);
  console.log(`${lines.at(-1)}${failed.map((name) => `\n  failed: ${name}`).join('')}`);
}
console.log(`\n${lines.join('\n')}`);
process.exit(failures > 0 ? 1 : 0);

async function runCell({ name, isOnSystemPostgres = false, packages, overrides }) {
  console.log(`\n${name}`);
  const copy = await mkdtemp(join(tmpdir(), 'tenancy-matrix-'));
  // As root, PostgreSQL is started as the user "postgres", who must reach its programs.
  await chmod(copy, 0o755);
  const server = isOnSystemPostgres ? await SystemPostgres.start({ maxConnections: 300 }) : undefined;
  try {
    await cp(root, copy, { recursive: true, filter: (path) => !NOT_COPIED.has(basename(path)) });
    await install(copy, packages, overrides);
    const result = await test(copy, server?.url);
    return { ...result, installed: await installedIn(copy) };
  } finally {
    await server?.[Symbol.asyncDispose]();
    await rm(copy, { recursive: true, force: true });
  }
}

async function install(copy, packages, overrides) {
  const path = join(copy, 'package.json');
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  Object.assign(manifest.devDependencies, packages);
  await writeFile(path, JSON.stringify({ ...manifest, overrides }));
  // MikroORM's packages want one another in exactly their own version, which an incomplete set cannot have.
  const args = ['install', '--no-audit', '--no-fund', '--legacy-peer-deps', '--prefer-offline', '--loglevel=error'];
  const status = await run('npm', args, copy, { ...process.env }, 'inherit');
  if (status !== 0) {
    throw new Error(`npm install ended with ${status}.`);
  }
}

async function test(copy, databaseUrl) {
  const output = join(copy, 'result.json');
  const node = join(copy, 'node_modules/node/bin/node');
  const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'];
  const options = ['--silent', '--forceExit', '--json', `--outputFile=${output}`, `--testTimeout=${TEST_TIMEOUT_MS}`];
  const env = {
    ...process.env,
    // Before 22.18 Node.js reads TypeScript only when it is told to.
    NODE_OPTIONS: '--experimental-strip-types --disable-warning=ExperimentalWarning',
    MIKRO_ORM_ALLOW_VERSION_MISMATCH: '1',
    // How many versions there are says more than how often each is asked.
    ISOLATION_RUNS: '100',
    ISOLATION_REQUESTS: '1000',
    ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
  };
  const once = async (tests) => {
    // What jest says of each file; the whole result, which it prints as well, is in the file.
    await run(node, [...jest, ...options, ...tests], copy, env, ['ignore', 'ignore', 'inherit']);
    return JSON.parse(await readFile(output, 'utf8')).testResults;
  };
  const results = await once(TESTS);
  const failed = results.filter(({ status }) => status === 'failed').map(({ name }) => name);
  // Alone: two processors may have been too busy for what waits for something.
  const again = failed.length === 0 ? [] : await once(['--runInBand', ...failed]);
  const final = [...results.filter(({ name }) => !failed.includes(name)), ...again];
  const assertions = final.flatMap(({ assertionResults }) => assertionResults);
  const named = (status) => assertions.filter((one) => one.status === status).map(({ fullName }) => fullName);
  const unrun = final
    .filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0)
    .map(({ name, message }) => `${name.slice(copy.length)}: ${message.slice(0, 1_000)}`);
  return {
    passed: named('passed').length,
    failed: [...named('failed'), ...unrun],
    skipped: named('pending').length,
  };
}

async function installedIn(copy) {
  const names = ['node', '@mikro-orm/core', '@mikro-orm/migrations', 'kysely', 'pg', 'koa'];
  const found = await Promise.all(
    names.map(async (name) => {
      const manifest = await readFile(join(copy, 'node_modules', name, 'package.json'), 'utf8');
      return `${name.replace('@mikro-orm/', '')} ${JSON.parse(manifest).version}`;
    }),
  );
  return found.join(', ');
}

function run(command, args, cwd, env, stdio) {
  const child = spawn(command, args, { cwd, env, stdio });
  const deadline = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      clearTimeout(deadline);
      resolve(status ?? signal);
    });
  });
}

function versions(version, names) {
  return Object.fromEntries(names.map((name) => [`@mikro-orm/${name}`, version]));
}
