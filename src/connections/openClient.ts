import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { createPostgreSqlTypeParsers } from '@mikro-orm/postgresql';
import pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';
import { parse as parseArray } from 'postgres-array';
import {
  messageOf,
  TenancyConfigurationError,
  TenancyError,
  TenantConnectionError,
  TenantDatabaseMissingError,
  WrongDatabaseError,
} from '../errors.ts';
import { Attempt } from './Attempt.ts';
import { connectFailureOf, TOO_MANY_CLIENTS } from './connectFailure.ts';
import { cutClient, endClient } from './endClient.ts';
import { passwordOf } from './passwordOf.ts';
import type { Password } from './ServerOptions.ts';
import { applicationNameOf, type TenantSession } from './SessionSettings.ts';

/** SQLSTATE invalid_catalog_name: the database does not exist. */
const INVALID_CATALOG_NAME = '3D000';

/** Where connections are opened, and as whom. */
export interface ServerAddress {
  readonly url: string;
  /** Beats the one in `url`, and so does `password`. */
  readonly user: string | undefined;
  readonly password: Password | undefined;
  readonly ssl: boolean | TlsOptions | undefined;
  /** What all of it may take: the password, DNS, TCP, TLS, authentication and the proof. */
  readonly connectTimeoutMs: number;
}

/**
 * A host that is gone says nothing. After so long a silence the system asks it, up to ten times a second apart; left to
 * itself it would begin after two hours, for which a statement under way would wait.
 */
const KEEP_ALIVE_AFTER_MS = 10_000;

export interface ClientTarget {
  readonly tenantId: string;
  readonly database: string;
  /** Settings that the session begins with, and is proven to have. */
  readonly session: TenantSession;
  /** As whom the session is proven to be. @default anybody */
  readonly user?: string | undefined;
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
  address: ServerAddress,
  target: ClientTarget,
  signal?: AbortSignal,
): Promise<pg.Client> {
  const attempt = new Attempt(address.connectTimeoutMs, signal);
  try {
    const password = await attempt.within(passwordOf(address.password, target.tenantId));
    return await openOrCut(new pg.Client(configOf(address, password, target)), target, attempt);
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : refusalOf(error, target);
  } finally {
    attempt.end();
  }
}

async function openOrCut(client: pg.Client, target: ClientTarget, attempt: Attempt): Promise<pg.Client> {
  // An error event during connect, and after a failed one, would end the process.
  const ignore = (): void => {};
  client.on('error', ignore);
  try {
    await attempt.within(connect(client, target));
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
function configOf(address: ServerAddress, password: string | undefined, target: ClientTarget): pg.ClientConfig {
  const { user, ssl } = address;
  const { parameters } = target.session;
  return {
    ...parseIntoClientConfig(address.url),
    database: target.database,
    application_name: applicationNameOf(target.tenantId),
    types,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(ssl === undefined ? {} : { ssl }),
    ...(parameters.length === 0
      ? {}
      : { options: parameters.map(({ name, value }) => `-c ${name}=${value}`).join(' ') }),
  };
}

async function connect(client: pg.Client, { tenantId, database, session, user }: ClientTarget): Promise<void> {
  await client.connect();
  const inForce = session.parameters.map((parameter) => parameter.inForce).join(' and ') || 'true';
  const { rows } = await client.query<{ database: string; role: string; applied: boolean }>(
    `select current_database() as database, session_user as role, ${inForce} as applied`,
  );
  const [{ database: actual, role, applied } = { database: '', role: '', applied: false }] = rows;
  if (actual !== database) {
    throw new WrongDatabaseError(tenantId, database, actual);
  }
  if (user !== undefined && role !== user) {
    throw new TenancyConfigurationError(
      `Tenant "${tenantId}": the connection is one of the role "${role}" instead of "${user}". Where \`url\` is a pooler, ` +
        'have it log in as its clients do, without `user` in its databases.',
      { tenantId },
    );
  }
  if (!applied) {
    throw new TenancyConfigurationError(
      `Tenant "${tenantId}": its session settings (${session.key}) did not reach the server. Where \`url\` is a pooler, ` +
        "say so by `pooler: 'transaction'`.",
      { tenantId },
    );
  }
}

function refusalOf(error: unknown, target: ClientTarget): Error {
  if (error instanceof TenancyError) {
    return error;
  }
  if ((error as { readonly code?: unknown }).code === INVALID_CATALOG_NAME) {
    return new TenantDatabaseMissingError(target.tenantId, target.database, { cause: error });
  }
  const why = messageOf(error) || 'the connection was refused';
  const isFull = connectFailureOf(error) === 'full';
  return new TenantConnectionError(target.tenantId, isFull ? `${why}; ${TOO_MANY_CLIENTS}` : why, { cause: error });
}
