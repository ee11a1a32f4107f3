import pg from 'pg';
import type { Config } from './config.ts';
import type { DatabaseServer } from './DatabaseServer.ts';
import { openEmbeddedPostgres } from './embedded/openEmbeddedPostgres.ts';
import { maintenanceUrl } from './maintenanceUrl.ts';
import { StartError } from './StartError.ts';

/** The server that `DATABASE_URL` names, or the embedded one. Throws {@link StartError} where there is none. */
export async function openDatabaseServer({ databaseUrl, dataDir }: Config): Promise<DatabaseServer> {
  if (databaseUrl === undefined) {
    return openEmbeddedPostgres(dataDir);
  }
  await assertAnswers(databaseUrl);
  return { url: databaseUrl, notes: [], stop: async () => {}, kill: () => {} };
}

async function assertAnswers(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: maintenanceUrl(url), connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
  } catch (error) {
    const { message, code } = error as { readonly message: string; readonly code?: string };
    throw new StartError(`The PostgreSQL of DATABASE_URL (${new URL(url).host}) cannot be used: ${message || code}.`);
  } finally {
    await client.end().catch(() => {});
  }
}
