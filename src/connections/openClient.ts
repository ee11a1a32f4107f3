import { createPostgreSqlTypeParsers } from '@mikro-orm/postgresql';
import pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { parse as parseArray } from 'postgres-array';
import { messageOf, TenantConnectionError, TenantDatabaseMissingError, WrongDatabaseError } from '../errors.ts';
import { ConnectDeadlineError, connectFailureOf } from './connectFailure.ts';
import { cutClient, endClient } from './endClient.ts';
import type { CheckedServerOptions } from './ServerOptions.ts';

/** SQLSTATE invalid_catalog_name: the database does not exist. */
const INVALID_CATALOG_NAME = '3D000';

const TOO_MANY_CLIENTS =
  'lower `maxConnections` of every process that uses the server, or raise its own max_connections';

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
 * with `TenantDatabaseMissingError`, `WrongDatabaseError` or `TenantConnectionError`, or with the reason of `signal`;
 * leaves no socket behind then.
 */
export async function openClient(
  server: CheckedServerOptions,
  target: ClientTarget,
  signal?: AbortSignal,
): Promise<pg.Client> {
  try {
    return await openUnlessAborted(new pg.Client(configOf(server, target)), server, target, signal);
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : refusalOf(error, target);
  }
}

async function openUnlessAborted(
  client: pg.Client,
  server: CheckedServerOptions,
  target: ClientTarget,
  signal: AbortSignal | undefined,
): Promise<pg.Client> {
  // An error event during connect, and after a failed one, would end the process.
  const ignore = (): void => {};
  client.on('error', ignore);
  try {
    await withDeadline(connect(client, target), server.connectTimeoutMs, signal);
  } catch (error) {
    // Nothing was sent on it, so that there is nothing to say goodbye to.
    cutClient(client);
    await endClient(client);
    throw error;
  }
  client.off('error', ignore);
  return client;
}

/** A connection string cannot name every database: its parser leaves `%2F` and the like as they are. */
function configOf(server: CheckedServerOptions, target: ClientTarget): pg.ClientConfig {
  return {
    ...parseIntoClientConfig(target.route === 'direct' ? server.directUrl : server.url),
    database: target.database,
    application_name: target.applicationName,
    types,
    keepAlive: true,
    ...(server.ssl === undefined ? {} : { ssl: server.ssl }),
  };
}

async function connect(client: pg.Client, target: ClientTarget): Promise<void> {
  await client.connect();
  const { rows } = await client.query<{ database: string }>('select current_database() as database');
  const actual = rows[0]?.database ?? '';
  if (actual !== target.database) {
    throw new WrongDatabaseError(target.tenantId, target.database, actual);
  }
}

async function withDeadline(work: Promise<void>, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new ConnectDeadlineError(timeoutMs)), timeoutMs);
  const onAbort = (): void => reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    signal?.throwIfAborted();
    await Promise.race([work, stopped]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

function refusalOf(error: unknown, target: ClientTarget): Error {
  if (error instanceof WrongDatabaseError) {
    return error;
  }
  if ((error as { readonly code?: unknown }).code === INVALID_CATALOG_NAME) {
    return new TenantDatabaseMissingError(target.tenantId, target.database, { cause: error });
  }
  const why = messageOf(error) || 'the connection was refused';
  const isFull = connectFailureOf(error) === 'full';
  return new TenantConnectionError(target.tenantId, isFull ? `${why}; ${TOO_MANY_CLIENTS}` : why, { cause: error });
}
