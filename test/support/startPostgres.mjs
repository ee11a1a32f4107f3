import { startPostgres } from './postgres.ts';

/** One PostgreSQL for the whole run; each test file makes databases of its own on it. */
export default async function globalSetup() {
  const server = await startPostgres();
  globalThis.tenancyPostgres = server;
  process.env.TEST_DATABASE_URL = server.url;
}
