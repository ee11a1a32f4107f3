import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const SRC = join(import.meta.dirname, '../../src');

/** What each part may import, besides itself. Dependencies point one way. */
const BASE = ['errors.ts', 'events.ts', 'tenant'];
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  'events.ts': [],
  tenant: ['errors.ts'],
  catalog: BASE,
  connections: BASE,
  context: BASE,
  orm: [...BASE, 'connections', 'context'],
  migrations: [...BASE, 'connections', 'context', 'orm'],
  central: [...BASE, 'catalog', 'connections', 'context', 'orm', 'migrations'],
  secrets: BASE,
  provisioning: [...BASE, 'secrets', 'catalog', 'central', 'connections', 'context', 'orm', 'migrations'],
  resolution: [...BASE, 'catalog'],
  domains: [...BASE, 'catalog'],
  'ManagerOptions.ts': [...BASE, 'catalog', 'central', 'connections', 'migrations', 'orm', 'provisioning'],
  'TenantOrmManager.ts': [
    ...[...BASE, 'catalog', 'central', 'connections', 'context', 'orm', 'migrations', 'provisioning', 'resolution'],
    'ManagerOptions.ts',
  ],
  testing: [
    ...[...BASE, 'catalog', 'central', 'connections', 'context', 'orm', 'provisioning'],
    ...['ManagerOptions.ts', 'TenantOrmManager.ts'],
  ],
  koa: [...BASE, 'catalog', 'resolution', 'orm', 'TenantOrmManager.ts'],
  dashboard: [...BASE, 'catalog', 'connections', 'migrations', 'provisioning', 'TenantOrmManager.ts'],
  jobs: [...BASE, 'context'],
  bullmq: [...BASE, 'context', 'jobs', 'TenantOrmManager.ts'],
  'pg-boss': [...BASE, 'jobs', 'catalog', 'migrations', 'provisioning', 'TenantOrmManager.ts'],
  cli: [
    ...[
      ...BASE,
      'catalog',
      'domains',
      'central',
      'connections',
      'context',
      'orm',
      'migrations',
      'provisioning',
      'secrets',
    ],
    ...['ManagerOptions.ts', 'TenantOrmManager.ts'],
  ],
  'index.ts': [
    ...[
      ...BASE,
      'catalog',
      'domains',
      'central',
      'connections',
      'context',
      'orm',
      'migrations',
      'provisioning',
      'secrets',
    ],
    ...['ManagerOptions.ts', 'TenantOrmManager.ts'],
  ],
};

interface Import {
  readonly file: string;
  readonly specifier: string;
}

const imports: readonly Import[] = globSync('**/*.ts', { cwd: SRC }).flatMap((file) => {
  const source = readFileSync(join(SRC, file), 'utf8');
  // Statements at the beginning of a line, and `import('…')`: SQL has words like these as well.
  const found = source.matchAll(/^(?:import|export|\})(?:[^'\n]*?\sfrom)?\s*'([^']+)'|\bimport\('([^']+)'\)/gm);
  return [...found].map(([, one, other]) => ({ file, specifier: one ?? other ?? '' }));
});

const partOf = (file: string): string => file.split('/')[0] ?? file;

describe('the parts of src', () => {
  it('are all known', () => {
    const parts = new Set(imports.map(({ file }) => partOf(file)));
    expect([...parts].filter((part) => !(part in MAY_IMPORT))).toEqual([]);
  });

  it('depend on each other in one direction', () => {
    const wrong = imports
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ file, specifier }) => [partOf(file), partOf(normalize(join(dirname(file), specifier)))] as const)
      .filter(([from, to]) => from !== to && !MAY_IMPORT[from]?.includes(to))
      .map(([from, to]) => `${from} → ${to}`);
    expect([...new Set(wrong)]).toEqual([]);
  });

  it('know Koa only in koa/, and the dashboard its types', () => {
    const koa = imports.filter(({ specifier }) => /^(@koa\/|koa($|\/))/.test(specifier));
    expect(koa.length).toBeGreaterThan(0);
    expect(koa.filter(({ file }) => !['koa', 'dashboard'].includes(partOf(file)))).toEqual([]);
  });

  it('import only what the package declares', async () => {
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
    const declared = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }));
    const undeclared = imports
      .map(({ specifier }) => specifier)
      .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
      // What `tenants init` writes names the package itself.
      .filter((specifier) => !specifier.startsWith('mikro-orm-multitenancy'))
      .map((specifier) => /^(@[^/]+\/[^/]+|[^/]+)/.exec(specifier)?.[0] ?? specifier)
      .filter((name) => !declared.has(name));
    expect([...new Set(undeclared)]).toEqual([]);
  });
});
