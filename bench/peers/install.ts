import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const FOLDER = import.meta.dirname;

/** Installs the package of the peers where its lock file says otherwise, and makes Prisma's client. */
export function installPeers(): void {
  if (versionsOf('node_modules/.package-lock.json') !== versionsOf('package-lock.json')) {
    // Without scripts: the one of Prisma's engines would fetch a program that nothing here uses.
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
  }
  // `generate` looks for the engine of Prisma's migrations, but does not start it; any program in its place will do.
  const env = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' };
  run(process.execPath, ['node_modules/prisma/build/index.js', 'generate', '--schema', 'prisma/schema.prisma'], env);
}

/** The version of a package of the peers. */
export function versionOf(name: string): string {
  const { version } = JSON.parse(readFileSync(join(FOLDER, 'node_modules', name, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  return version;
}

/** The packages that both lock files have, as text that is equal where they are. */
function versionsOf(lockFile: string): string {
  const path = join(FOLDER, lockFile);
  if (!existsSync(path)) {
    return '';
  }
  const { packages } = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly version?: string }>>;
  };
  const direct = Object.keys((JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8')) as Manifest).dependencies);
  return direct.map((name) => `${name}@${packages[`node_modules/${name}`]?.version}`).join(' ');
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  const PATH = `${dirname(process.execPath)}:${process.env['PATH']}`;
  const { status } = spawnSync(program, args, {
    cwd: FOLDER,
    stdio: 'inherit',
    env: { ...process.env, PATH, ...env },
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    throw new Error(`\`${program} ${args.join(' ')}\` in ${FOLDER} failed.`);
  }
}
