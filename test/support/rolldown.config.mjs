// Makes one file of a program of `test/support` and all that it loads: `PROGRAM` into the folder `BUNDLE`.
import { fileURLToPath } from 'node:url';
import { SOURCE } from './sources.mjs';

/** MikroORM looks for its extensions by names in a variable, which would bring all of it a second time. */
const BY_NAME = /const url = import\.meta\.resolve\(pkg\);\s*const mod = await import\(url\);/;
const IN_BUNDLE = "if (pkg !== '@mikro-orm/migrations') return; const mod = await import('@mikro-orm/migrations');";

export default {
  input: fileURLToPath(new URL(process.env.PROGRAM, import.meta.url)),
  platform: 'node',
  // What is optional, or looks for files beside its own.
  external: ['pg-native', 'pg-boss'],
  plugins: [
    {
      name: 'own source',
      resolveId: (id) => (SOURCE[id] === undefined ? undefined : fileURLToPath(new URL(SOURCE[id], import.meta.url))),
    },
    {
      name: 'extensions of MikroORM',
      transform: (code) => (BY_NAME.test(code) ? code.replace(BY_NAME, IN_BUNDLE) : undefined),
    },
  ],
  transform: { target: 'node22' },
  // MikroORM knows entities and services by the names of their classes.
  output: {
    dir: process.env.BUNDLE,
    entryFileNames: 'program.mjs',
    chunkFileNames: '[name]-[hash].mjs',
    keepNames: true,
  },
};
