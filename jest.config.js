const swc = (transform) => [
  '@swc/jest',
  {
    jsc: { target: 'es2024', parser: { syntax: 'typescript', decorators: true }, transform },
    module: { type: 'es6' },
    sourceMaps: 'inline',
  },
];

export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts', '<rootDir>/example-koa/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  // MikroORM's two kinds of decorators want two kinds of transforms; legacy ones live in folders of that name.
  transform: {
    '/legacy-decorators/.*\\.ts$': swc({ legacyDecorator: true, decoratorMetadata: true }),
    '\\.ts$': swc({ decoratorVersion: '2022-03' }),
  },
  moduleNameMapper: {
    '^mikro-orm-multitenancy$': '<rootDir>/src/index.ts',
    '^mikro-orm-multitenancy/koa$': '<rootDir>/src/koa/index.ts',
    '^mikro-orm-multitenancy/express$': '<rootDir>/src/express/index.ts',
    '^mikro-orm-multitenancy/fastify$': '<rootDir>/src/fastify/index.ts',
    '^mikro-orm-multitenancy/hono$': '<rootDir>/src/hono/index.ts',
    '^mikro-orm-multitenancy/nestjs$': '<rootDir>/src/nestjs/index.ts',
    '^mikro-orm-multitenancy/dashboard$': '<rootDir>/src/dashboard/index.ts',
    '^mikro-orm-multitenancy/cli$': '<rootDir>/src/cli/index.ts',
    '^mikro-orm-multitenancy/bullmq$': '<rootDir>/src/bullmq/index.ts',
    '^mikro-orm-multitenancy/pg-boss$': '<rootDir>/src/pg-boss/index.ts',
    '^mikro-orm-multitenancy/opentelemetry$': '<rootDir>/src/opentelemetry/index.ts',
    '^mikro-orm-multitenancy/prometheus$': '<rootDir>/src/prometheus/index.ts',
    '^mikro-orm-multitenancy/sqlite$': '<rootDir>/src/sqlite/index.ts',
    '^mikro-orm-multitenancy/pglite$': '<rootDir>/src/pglite/index.ts',
    '^mikro-orm-multitenancy/libsql$': '<rootDir>/src/libsql/index.ts',
    '^mikro-orm-multitenancy/mysql$': '<rootDir>/src/mysql/index.ts',
    '^mikro-orm-multitenancy/testing$': '<rootDir>/src/testing/index.ts',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.data', '<rootDir>/coverage', '<rootDir>/bench/peers'],
  setupFiles: ['<rootDir>/test/support/suppressedError.mjs'],
  globalSetup: '<rootDir>/test/support/startPostgres.mjs',
  globalTeardown: '<rootDir>/test/support/stopPostgres.mjs',
  maxWorkers: 2,
  // A worker keeps what a file's modules have made, and one with a large heap stops for seconds to collect it.
  workerIdleMemoryLimit: '600MB',
  testTimeout: 30_000,
};
