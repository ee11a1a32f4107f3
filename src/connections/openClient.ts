import { createPostgreSqlTypeParsers } from '@mikro-orm/postgresql';
import pg from 'pg';
import { parse as parseArray } from 'postgres-array';
import { messageOf, TenantConnectionError, TenantDatabaseMissingError, WrongDatabaseError } from '../errors.ts';
import type { CheckedServerOptions } from './ServerOptions.ts';
import { endClient } from './TenantConnection.ts';

/** SQLSTATE invalid_catalog_name: the database does not exist. */
const INVALID_CATALOG_NAME = '3D000';

export interface ClientTarget {
  readonly tenantId: string;
  readonly database: string;
  /** `direct` goes around a pooler. */
  readonly route: 'pooled' | 'direct';
  readonly applicationName: string;
}

/** Values read from PostgreSQL become what MikroORM expects, as its own connection sets it. */
const types = new pg.TypeOverrides();
for (const [oid, parser] of Object.entries(createPostgreSqlTypeParsers((value: string) => parseArray(value)))) {
  types.setTypeParser(Number(oid), parser);
}

/**
 * Opens one connection and proves that it reached the tenant's database before anything else is sent on it. Rejects
 * with `TenantDatabaseMissingError`, `WrongDatabaseError` or `TenantConnectionError`; leaves no socket behind then.
 */
export async function openClient(server: CheckedServerOptions, target: ClientTarget): Promise<pg.Client> {
  const client = new pg.Client({
    // In a connection string the path beats every other option, so the database is put there.
    connectionString: urlOf(target.route === 'direct' ? server.directUrl : server.url, target.database),
    database: target.database,
    application_name: target.applicationName,
    types,
    keepAlive: true,
    ...(server.ssl === undefined ? {} : { ssl: server.ssl }),
  });
  // An error event during connect, and after a failed one, would end the process.
  const ignore = (): void => {};
  client.on('error', ignore);
  try {
    await withDeadline(connect(client, target), server.connectTimeoutMs);
  } catch (error) {
    await endClient(client);
    throw refusalOf(error, target);
  }
  client.off('error', ignore);
  return client;
}

async function connect(client: pg.Client, target: ClientTarget): Promise<void> {
  await client.connect();
  const { rows } = await client.query<{ database: string }>('select current_database() as database');
  const actual = rows[0]?.database ?? '';
  if (actual !== target.database) {
    throw new WrongDatabaseError(target.tenantId, target.database, actual);
  }
}

async function withDeadline(work: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}

function refusalOf(error: unknown, target: ClientTarget): Error {
  if (error instanceof WrongDatabaseError) {
    return error;
  }
  if ((error as { readonly code?: unknown }).code === INVALID_CATALOG_NAME) {
    return new TenantDatabaseMissingError(target.tenantId, target.database, { cause: error });
  }
  return new TenantConnectionError(target.tenantId, messageOf(error) || 'the connection was refused', { cause: error });
}
