// Installs the packed package into an empty project, as a user does, and uses it there. `npm run build` comes before.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a user downloads and installs. To go above one of them is a decision, made here. */
const LIMITS = { packedKB: 1_050, unpackedKB: 4_500, dependencies: 30 };

const root = fileURLToPath(new URL('../', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const optional = Object.keys(manifest.peerDependenciesMeta);
const folder = mkdtempSync(join(tmpdir(), 'tenancy-packed-'));
const run = (command, args, cwd = folder) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const npm = (...args) => run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args);

try {
  const packed = pack();
  install(packed.filename);
  countDependencies();
  importEach();
  requireMain();
  for (const settings of [
    { module: 'nodenext', moduleResolution: 'nodenext' },
    { module: 'esnext', moduleResolution: 'bundler' },
  ]) {
    checkTypes(settings);
  }
  console.log(
    `Installs and runs: ${kilobytes(packed.size)} KB packed, ${kilobytes(packed.unpackedSize)} KB unpacked, ` +
      `${readdirSync(join(folder, 'node_modules')).length} folders in node_modules.`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function kilobytes(bytes) {
  return Math.round(bytes / 1024);
}

function pack() {
  const printed = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root);
  const [packed] = Object.values(JSON.parse(printed));
  assert(kilobytes(packed.size) <= LIMITS.packedKB, `${packed.size} bytes packed are more than ${LIMITS.packedKB} KB`);
  assert(
    kilobytes(packed.unpackedSize) <= LIMITS.unpackedKB,
    `${packed.unpackedSize} bytes unpacked are more than ${LIMITS.unpackedKB} KB`,
  );
  return packed;
}

/** With the peers that every application has; npm adds none of the optional ones. */
function install(filename) {
  const versions = Object.fromEntries(
    Object.keys(manifest.peerDependencies)
      .filter((name) => !optional.includes(name))
      .map((name) => [name, manifest.devDependencies[name]]),
  );
  const dependencies = { ...versions, [manifest.name]: `file:${filename}` };
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'app', type: 'module', private: true, dependencies }),
  );
  npm('install', '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts', '--loglevel=error');
}

/** The packages that come with this one, its peers and theirs aside. */
function countDependencies() {
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')).packages;
  const seen = new Set();
  const visit = (name) => {
    if (!seen.has(name)) {
      seen.add(name);
      Object.keys(lock[`node_modules/${name}`]?.dependencies ?? {}).forEach(visit);
    }
  };
  Object.keys(manifest.dependencies).forEach(visit);
  assert(seen.size <= LIMITS.dependencies, `${seen.size} dependencies are more than ${LIMITS.dependencies}`);
}

/** Each entry point, or the sentence that says which optional peer it wants. */
function importEach() {
  const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith('.json'));
  const program = `
    for (const entry of ${JSON.stringify(entries)}) {
      const name = ${JSON.stringify(manifest.name)} + entry.slice(1);
      const said = await import(name).then((all) => Object.keys(all).length + ' exports', (error) => error.message);
      console.log(name + ': ' + said);
    }`;
  const said = run(process.execPath, ['--input-type=module', '--eval', program]).trim().split('\n');
  for (const line of said) {
    const wanted = /Cannot find package '([^']+)'/.exec(line)?.[1];
    const isOptional = optional.some((name) => wanted === name || wanted?.startsWith(`${name}/`));
    assert(/: [1-9]\d* exports$/.test(line) || isOptional, line);
  }
  const main = [manifest.name, `${manifest.name}/testing`, `${manifest.name}/cli`];
  for (const name of main) {
    assert(
      said.some((line) => line.startsWith(`${name}: `) && line.endsWith('exports')),
      `${name} wants an optional peer`,
    );
  }
}

/** CommonJS takes ES modules by `require` in every supported Node.js. */
function requireMain() {
  const program = `const { TenantOrmManager } = require('${manifest.name}'); console.log(typeof TenantOrmManager.init);`;
  assert.equal(run(process.execPath, ['--input-type=commonjs', '--eval', program]).trim(), 'function');
}

/** What a user's program is inferred to be, and that a mistake in it is one. */
function checkTypes(settings) {
  const project = join(folder, settings.moduleResolution);
  mkdirSync(project, { recursive: true });
  const compilerOptions = { ...settings, target: 'es2024', strict: true, noEmit: true, skipLibCheck: true, types: [] };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts', '*.cts'] }));
  writeFileSync(
    join(project, 'app.ts'),
    `import { defineEntity, p } from '@mikro-orm/core';
     import { StaticCatalog, TenantOrmManager } from '${manifest.name}';
     import { TestTenancy } from '${manifest.name}/testing';
     const House = defineEntity({ name: 'House', properties: { id: p.integer().primary(), address: p.string() } });
     export const manager = await TenantOrmManager.init({
       orm: { entities: [House] },
       server: 'postgresql://localhost',
       catalog: new StaticCatalog([{ id: 'acme', database: 'acme', plan: 'free' }]),
     });
     export const plan: string = await manager.run('acme', (_em, tenant) => tenant.plan);
     // @ts-expect-error a tenant has no such column
     export const wrong = await manager.run('acme', (_em, tenant) => tenant.colour);
     export const start = TestTenancy.start;
     `,
  );
  writeFileSync(
    join(project, 'required.cts'),
    `import { TenantOrmManager } from '${manifest.name}';
     export const init: typeof TenantOrmManager.init = TenantOrmManager.init;
     `,
  );
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project]);
}
