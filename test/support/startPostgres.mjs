import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QUICK_LOGIN, startPostgres } from './postgres.ts';

/** One PostgreSQL for the whole run; each test file makes databases of its own on it. */
export default async function globalSetup() {
  const server = await startPostgres({ initdbFlags: QUICK_LOGIN });
  globalThis.tenancyPostgres = server;
  process.env.TEST_DATABASE_URL = server.url;
  // Programs that tests start load the same files, which need to be compiled once only.
  process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'tenancy-test-programs');
}
