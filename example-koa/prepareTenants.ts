import type { TenantOrmManager } from 'mikro-orm-multitenancy';
import pg from 'pg';
import { seedHouses } from './seed.ts';
import type { HouseTenant } from './tenants.ts';

/** SQLSTATE duplicate_database, and unique_violation when two `create database` come at the same moment. */
const EXISTS_ALREADY = new Set<unknown>(['42P04', '23505']);

/** Brings every tenant to where requests can be answered: database, tables, demo houses. May be run again. */
export async function prepareTenants(
  manager: TenantOrmManager<HouseTenant>,
  tenants: readonly HouseTenant[],
  serverUrl: string,
): Promise<void> {
  await createDatabases(
    serverUrl,
    tenants.map(({ database }) => database),
  );
  for (const { id } of tenants) {
    await manager.migrator(id).up();
    await manager.run(id, (em) => seedHouses(em, id));
  }
}

/** The library never creates a database on the way, so this is done on a connection of our own. */
async function createDatabases(serverUrl: string, names: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: maintenanceUrl(serverUrl) });
  await client.connect();
  try {
    for (const name of names) {
      await createDatabase(client, name);
    }
  } finally {
    await client.end();
  }
}

async function createDatabase(client: pg.Client, name: string): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
  if (rowCount !== 0) {
    return;
  }
  const identifier = pg.escapeIdentifier(name);
  try {
    await client.query(`create database ${identifier}`);
  } catch (error) {
    if (!EXISTS_ALREADY.has((error as { readonly code?: unknown }).code)) {
      throw error;
    }
  }
  // Otherwise every role of the server may connect to a new database.
  await client.query(`revoke connect on database ${identifier} from public`);
}

/** The database in the URL's path, or `postgres`, which every server has. */
export function maintenanceUrl(serverUrl: string): string {
  const url = new URL(serverUrl);
  if (url.pathname.length <= 1) {
    url.pathname = '/postgres';
  }
  return url.href;
}
