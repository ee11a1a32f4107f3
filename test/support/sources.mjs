/** The package's own names, each with its source. */
export const SOURCE = {
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
  'mikro-orm-multitenancy/libsql': '../../src/libsql/index.ts',
  'mikro-orm-multitenancy/mysql': '../../src/mysql/index.ts',
  'mikro-orm-multitenancy/testing': '../../src/testing/index.ts',
};
