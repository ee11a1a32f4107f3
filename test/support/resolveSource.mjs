// For programs that a test starts with `node --import`: the package's own name means its source, as in the tests.
import { registerHooks } from 'node:module';

const SOURCE = {
  'mikro-orm-multitenancy': '../../src/index.ts',
  'mikro-orm-multitenancy/koa': '../../src/koa/index.ts',
  'mikro-orm-multitenancy/dashboard': '../../src/dashboard/index.ts',
  'mikro-orm-multitenancy/cli': '../../src/cli/index.ts',
  'mikro-orm-multitenancy/bullmq': '../../src/bullmq/index.ts',
  'mikro-orm-multitenancy/pg-boss': '../../src/pg-boss/index.ts',
  'mikro-orm-multitenancy/testing': '../../src/testing/index.ts',
};

registerHooks({
  resolve(specifier, context, next) {
    const source = SOURCE[specifier];
    return next(source === undefined ? specifier : new URL(source, import.meta.url).href, context);
  },
});
