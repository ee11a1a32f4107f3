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
  observability: [...BASE, 'context'],
  orm: [...BASE, 'connections', 'context', 'observability'],
  databases: [...BASE, 'connections', 'orm'],
  files: [...BASE, 'connections', 'databases', 'orm'],
  sqlite: ['files'],
  pglite: [...BASE, 'connections', 'databases', 'files', 'orm'],
  libsql: [...BASE, 'databases', 'files'],
  mysql: [...BASE, 'connections', 'databases', 'orm'],
  migrations: [...BASE, 'connections', 'context', 'orm'],
  central: [...BASE, 'catalog', 'connections', 'context', 'orm', 'migrations'],
  secrets: BASE,
  provisioning: [...BASE, 'secrets', 'catalog', 'central', 'connections', 'context', 'orm', 'migrations'],
  resolution: [...BASE, 'catalog'],
  domains: [...BASE, 'catalog'],
  'refusedFor.ts': ['errors.ts'],
  'ManagerOptions.ts': [
    ...[...BASE, 'catalog', 'central', 'connections', 'migrations', 'orm', 'provisioning'],
    'refusedFor.ts',
  ],
  'TenantOrmManager.ts': [
    ...[...BASE, 'catalog', 'central', 'connections', 'context', 'orm', 'migrations', 'provisioning', 'resolution'],
    ...['observability', 'ManagerOptions.ts', 'refusedFor.ts'],
  ],
  testing: [
    ...[...BASE, 'catalog', 'central', 'connections', 'context', 'orm', 'provisioning'],
    ...['ManagerOptions.ts', 'TenantOrmManager.ts'],
  ],
  metrics: [...BASE, 'connections', 'observability', 'TenantOrmManager.ts'],
  opentelemetry: [...BASE, 'metrics', 'observability', 'TenantOrmManager.ts'],
  prometheus: ['metrics', 'observability'],
  dashboard: [...BASE, 'catalog', 'connections', 'migrations', 'provisioning', 'TenantOrmManager.ts'],
  jobs: [...BASE, 'context'],
  bullmq: [...BASE, 'context', 'jobs', 'TenantOrmManager.ts'],
  'pg-boss': [...BASE, 'jobs', 'catalog', 'migrations', 'provisioning', 'TenantOrmManager.ts'],
  http: [...BASE, 'catalog', 'resolution'],
  koa: [...BASE, 'catalog', 'http', 'resolution', 'orm', 'TenantOrmManager.ts'],
  express: [...BASE, 'http', 'resolution'],
  fastify: [...BASE, 'http', 'resolution'],
  hono: [...BASE, 'http', 'resolution'],
  nestjs: [...BASE, 'http', 'resolution', 'TenantOrmManager.ts'],
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
      'observability',
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

  it.each([
    ['koa', /^(@koa\/|koa($|\/))/],
    ['express', /^express($|\/)/],
    ['fastify', /^(@fastify\/|fastify($|\/))/],
    ['hono', /^(@hono\/|hono($|\/))/],
    ['nestjs', /^@nestjs\//],
    ['opentelemetry', /^@opentelemetry\//],
    ['prometheus', /^prom-client($|\/)/],
    ['pg-boss', /^pg-boss($|\/)/],
    ['pglite', /^(@mikro-orm\/pglite|@electric-sql\/pglite)($|\/)/],
    ['sqlite', /^(@mikro-orm\/sqlite|better-sqlite3)($|\/)/],
    ['libsql', /^(@mikro-orm\/libsql|libsql)($|\/)/],
    ['mysql', /^(@mikro-orm\/mysql|mysql2)($|\/)/],
    ['bullmq', /^bullmq($|\/)/],
  ])('know the package of %s/ only there', (folder, its) => {
    const known = imports.filter(({ specifier }) => its.test(specifier));
    expect(known.length).toBeGreaterThan(0);
    // The dashboard is for Koa.
    const may = folder === 'koa' ? ['koa', 'dashboard'] : [folder];
    expect(known.filter(({ file }) => !may.includes(partOf(file)))).toEqual([]);
  });

  it('import only what the package declares', async () => {
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
    const declared = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }));
    const undeclared = imports
      .map(({ specifier }) => specifier)
      .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
      // What `tenants init` writes names the package itself, and files of the application.
      .filter((specifier) => !/^(mikro-orm-multitenancy|\$\{)/.test(specifier))
      .map((specifier) => /^(@[^/]+\/[^/]+|[^/]+)/.exec(specifier)?.[0] ?? specifier)
      .filter((name) => !declared.has(name));
    expect([...new Set(undeclared)]).toEqual([]);
  });
});
