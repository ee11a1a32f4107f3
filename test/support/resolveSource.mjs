// For programs that a test starts with `node --import`: the package's own name means its source, as in the tests.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const SOURCE = {
  'mikro-orm-multitenancy': '../../src/index.ts',
  'mikro-orm-multitenancy/koa': '../../src/koa/index.ts',
  'mikro-orm-multitenancy/express': '../../src/express/index.ts',
  'mikro-orm-multitenancy/fastify': '../../src/fastify/index.ts',
  'mikro-orm-multitenancy/hono': '../../src/hono/index.ts',
  'mikro-orm-multitenancy/nestjs': '../../src/nestjs/index.ts',
  'mikro-orm-multitenancy/dashboard': '../../src/dashboard/index.ts',
  'mikro-orm-multitenancy/cli': '../../src/cli/index.ts',
  'mikro-orm-multitenancy/bullmq': '../../src/bullmq/index.ts',
  'mikro-orm-multitenancy/pg-boss': '../../src/pg-boss/index.ts',
  'mikro-orm-multitenancy/sqlite': '../../src/sqlite/index.ts',
  'mikro-orm-multitenancy/pglite': '../../src/pglite/index.ts',
  'mikro-orm-multitenancy/mysql': '../../src/mysql/index.ts',
  'mikro-orm-multitenancy/testing': '../../src/testing/index.ts',
};

// Node.js 22 knows no `await using`, and before 22.18 no TypeScript. What the package is built to needs neither.
const { transformSync } = Number.parseInt(process.versions.node, 10) < 24 ? await import('@swc/core') : {};
const jsc = {
  target: 'es2024',
  parser: { syntax: 'typescript', decorators: true },
  transform: { decoratorVersion: '2022-03' },
};

registerHooks({
  resolve(specifier, context, next) {
    const source = SOURCE[specifier];
    return next(source === undefined ? specifier : new URL(source, import.meta.url).href, context);
  },
});

// A hook of its own: with one, Node.js takes nothing from its compile cache.
if (transformSync !== undefined) {
  registerHooks({
    load(url, context, next) {
      if (!url.endsWith('.ts')) {
        return next(url, context);
      }
      const filename = fileURLToPath(url);
      const { code } = transformSync(readFileSync(filename, 'utf8'), { filename, jsc, module: { type: 'es6' } });
      return { format: 'module', source: code, shortCircuit: true };
    },
  });
}
