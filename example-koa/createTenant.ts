import type { EntityManager } from '@mikro-orm/postgresql';
import { type EachResult, TenantConflictError, type TenantStatus } from 'mikro-orm-multitenancy';
import pg from 'pg';
import type { HouseManager } from './manager.ts';
import { seedHouses } from './seed.ts';
import type { NewHouseTenant } from './tenants.ts';

/** SQLSTATE duplicate_database, and unique_violation when two `create database` come at the same moment. */
const EXISTS_ALREADY = new Set<unknown>(['42P04', '23505']);

/** Such a tenant takes no work but this. */
const UNFINISHED: { readonly allow: readonly TenantStatus[] } = { allow: ['provisioning'] };

/** How tenants come into being: where their databases are made, and what those are called. */
export interface TenantCreation {
  readonly manager: HouseManager;
  /** A server URL of a role that may create databases. */
  readonly serverUrl: string;
  readonly databasePrefix: string;
}

/** A tenant that has its name but cannot be used yet: {@link finishTenants} goes on where this was cut off. */
export class UnfinishedTenantError extends Error {
  override readonly name = 'UnfinishedTenantError';

  constructor(id: string, cause: unknown) {
    super(`Tenant "${id}" could not be finished, and stays "provisioning" until the next start.`, { cause });
  }
}

/**
 * Signs a tenant up: its row, database, tables and first houses. The row comes first, and takes the id and the name of
 * the database for it; no request is served before the last step. Rejects with `TenantConflictError` where the id is
 * taken, and with {@link UnfinishedTenantError} where a later step fails.
 */
export async function createTenant(of: TenantCreation, tenant: NewHouseTenant): Promise<void> {
  const { id } = tenant;
  const database = of.databasePrefix + id;
  // One that is there before its tenant is somebody else's, or was left by a tenant that is gone.
  if (await isDatabase(of.serverUrl, database)) {
    throw new TenantConflictError(id, `the database "${database}"`);
  }
  await of.manager.central.tenants.create({ ...tenant, database, status: 'provisioning' });
  try {
    await of.manager.run(id, (em) => finishTenant(of, em, id, database), UNFINISHED);
  } catch (cause) {
    throw new UnfinishedTenantError(id, cause);
  }
}

/**
 * Finishes what {@link createTenant} began and did not end, in this process or in one that is gone. A tenant that
 * fails once more stops no other one; there is a result for each.
 */
export function finishTenants(of: TenantCreation): Promise<EachResult<void>[]> {
  return of.manager.each((em, { id, database }) => finishTenant(of, em, id, database), {
    ...UNFINISHED,
    where: ({ status }) => status === 'provisioning',
  });
}

/** Each step may be run again, also by two processes at once. `em` connects when it is first used: to seed. */
async function finishTenant(of: TenantCreation, em: EntityManager, id: string, database: string): Promise<void> {
  await createDatabase(of.serverUrl, database);
  await of.manager.migrator(id).up();
  await seedHouses(em, id);
  await of.manager.central.tenants.setStatus(id, 'active');
}

/** The library never creates a database on the way, so this is done on a connection of our own. */
function createDatabase(serverUrl: string, name: string): Promise<void> {
  return onServer(serverUrl, async (client) => {
    const identifier = pg.escapeIdentifier(name);
    await client.query(`create database ${identifier}`).catch((error: { readonly code?: unknown }) => {
      if (!EXISTS_ALREADY.has(error.code)) {
        throw error;
      }
    });
    // Otherwise every role of the server may connect to a new database.
    await client.query(`revoke connect on database ${identifier} from public`);
  });
}

function isDatabase(serverUrl: string, name: string): Promise<boolean> {
  return onServer(serverUrl, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    return rowCount !== 0;
  });
}

async function onServer<R>(serverUrl: string, work: (client: pg.Client) => Promise<R>): Promise<R> {
  const client = new pg.Client({ connectionString: maintenanceUrl(serverUrl) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The database in the URL's path, or `postgres`, which every server has. */
export function maintenanceUrl(serverUrl: string): string {
  const url = new URL(serverUrl);
  if (url.pathname.length <= 1) {
    url.pathname = '/postgres';
  }
  return url.href;
}
