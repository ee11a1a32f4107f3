import { fileURLToPath } from 'node:url';
import { parts } from './parts.mjs';

const name = process.env.MUTATION_PART;
const { mutate, testTimeoutMs } = parts[name];
const beside = (file) => fileURLToPath(new URL(file, import.meta.url));

export default {
  mutate,
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
  plugins: ['@stryker-mutator/jest-runner', beside('errorTexts.mjs')],
  ignorers: ['error-texts'],
  coverageAnalysis: 'perTest',
  jest: {
    config: {
      testMatch: [`<rootDir>/test/mutation/suites/${name}.ts`],
      testEnvironment: beside('BailingEnvironment.cjs'),
      // What waits for ever because of a mutant has been noticed by then.
      ...(testTimeoutMs === undefined ? {} : { testTimeout: testTimeoutMs }),
      // One server for the whole run, instead of one for each mutant.
      globalSetup: null,
      globalTeardown: null,
    },
    enableFindRelatedTests: false,
  },
  concurrency: Number(process.env.MUTATION_CONCURRENCY ?? 1),
  timeoutMS: 30_000,
  // What a mutant leaves behind in the process: timers, servers, memory.
  maxTestRunnerReuse: 100,
  // TypeScript 7 has no API that Stryker could read it with.
  tsconfigFile: 'none',
  incremental: true,
  incrementalFile: `coverage/mutation/${name}.json`,
  reporters: ['progress-append-only', 'clear-text', 'html'],
  clearTextReporter: { logTests: false, reportTests: false, allowColor: false },
  htmlReporter: { fileName: `coverage/mutation/${name}.html` },
  tempDirName: 'coverage/mutation/sandbox',
  cleanTempDir: 'always',
  ignorePatterns: ['.data', 'bench', 'coverage', 'dist', 'example-koa'],
  warnings: { slow: false },
};
