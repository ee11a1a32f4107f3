import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** The server of this test run. */
export function serverUrl(): string {
  const url = process.env['TEST_DATABASE_URL'];
  if (url === undefined) {
    throw new Error('TEST_DATABASE_URL is not set: run the tests with `npm test`.');
  }
  return url;
}

/** Runs one statement on a session of its own, in the maintenance database or in `database`. */
export async function adminQuery<R extends pg.QueryResultRow>(
  text: string,
  parameters: unknown[] = [],
  database = 'postgres',
): Promise<R[]> {
  return queryAt<R>(serverUrl(), text, parameters, database);
}

/** The same on any server. */
export async function queryAt<R extends pg.QueryResultRow>(
  server: string,
  text: string,
  parameters: unknown[] = [],
  database = 'postgres',
): Promise<R[]> {
  const url = new URL(server);
  url.pathname = `/${encodeURIComponent(database)}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    const { rows } = await client.query<R>(text, parameters);
    return rows;
  } finally {
    await client.end();
  }
}

/** Nothing of these is worth its log: copying files takes two thirds of the processor time. */
export const STRATEGY = 'strategy file_copy';

export async function createDatabase(name: string, statements: readonly string[] = []): Promise<void> {
  await adminQuery(`create database "${name}" ${STRATEGY}`);
  if (statements.length > 0) {
    await adminQuery(statements.join(';\n'), [], name);
  }
}

export async function dropDatabase(name: string): Promise<void> {
  await adminQuery(`drop database if exists "${name}" with (force)`);
}

/** A name that no other test uses. */
export function uniqueName(prefix: string): string {
  return `${prefix}_${randomBytes(5).toString('hex')}`;
}

/** How many sessions of tenants the server has in these databases. */
export async function sessionsIn(databases: readonly string[]): Promise<number> {
  const rows = await adminQuery<{ count: string }>(
    "select count(*) from pg_stat_activity where datname = any($1) and application_name like 'tenant:%'",
    [databases],
  );
  return Number(rows[0]?.count ?? 0);
}
