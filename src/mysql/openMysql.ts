import type { Connection, ConnectionOptions } from 'mysql2';
import { Attempt } from '../connections/Attempt.ts';
import { connectFailureOf, TOO_MANY_CLIENTS } from '../connections/connectFailure.ts';
import { passwordOf } from '../connections/passwordOf.ts';
import { messageOf, TenancyError, TenantConnectionError, TenantDatabaseMissingError } from '../errors.ts';
import type { MysqlAddress } from './MysqlOptions.ts';
import { CHARSET, MysqlSession, type MysqlSessionOf } from './MysqlSession.ts';
import { called, cutClient, newClient } from './mysqlClient.ts';

/** How values are read. */
export interface ReadingOptions {
  /** Whether values of JSON are left as text, since MikroORM's platform parses them itself. */
  readonly jsonStrings: boolean;
  readonly timezone: string | undefined;
}

export interface OpenedMysql {
  readonly client: Connection;
  readonly session: MysqlSession;
}

const KEEP_ALIVE_AFTER_MS = 10_000;

/**
 * Opens one connection and proves that it reached the tenant's database before anything else is sent on it. Rejects with
 * `TenantDatabaseMissingError`, `WrongDatabaseError` or `TenantConnectionError`, or with the reason of `signal`; leaves no
 * socket behind then.
 */
export async function openMysql(
  address: MysqlAddress,
  of: MysqlSessionOf,
  reading: ReadingOptions,
  signal?: AbortSignal,
): Promise<OpenedMysql> {
  try {
    return await connected(
      address,
      { ...optionsOf(reading), database: of.database },
      of.tenantId,
      signal,
      async (client) => {
        const session = new MysqlSession(client, of);
        await session.begin();
        return { client, session };
      },
    );
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : refusalOf(error, of);
  }
}

/** Runs `work` on a connection that has no database, and closes it. Rejects with what `mysql2` says. */
export async function administer<R>(address: MysqlAddress, work: (client: Connection) => Promise<R>): Promise<R> {
  const client = await connected(address, {}, 'administration', undefined, async (opened) => opened);
  try {
    return await work(client);
  } finally {
    cutClient(client);
  }
}

async function connected<R>(
  { host, port, user, password, ssl, connectTimeoutMs }: MysqlAddress,
  options: ConnectionOptions,
  tenantId: string,
  signal: AbortSignal | undefined,
  begin: (client: Connection) => Promise<R>,
): Promise<R> {
  const attempt = new Attempt(connectTimeoutMs, signal);
  try {
    const secret = await attempt.within(passwordOf(password, tenantId));
    const client = newClient({
      ...options,
      ...{ host, port, user },
      ...(secret === undefined ? {} : { password: secret }),
      ...(ssl === undefined ? {} : { ssl: ssl as NonNullable<Exclude<ConnectionOptions['ssl'], string>> }),
      charset: CHARSET,
      connectTimeout: connectTimeoutMs,
      enableKeepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
      multipleStatements: false,
      // Or the server could ask for any file that this process can read.
      flags: ['-LOCAL_FILES'],
    });
    try {
      return await attempt.within(called<void>((done) => client.connect(done)).then(() => begin(client)));
    } catch (error) {
      cutClient(client);
      throw error;
    }
  } finally {
    attempt.end();
  }
}

/** As MikroORM's own connection has them. */
function optionsOf({ jsonStrings, timezone }: ReadingOptions): ConnectionOptions {
  return {
    supportBigNumbers: true,
    dateStrings: true,
    jsonStrings,
    ...(timezone === undefined ? {} : { timezone }),
  };
}

function refusalOf(error: unknown, { tenantId, database }: MysqlSessionOf): Error {
  if (error instanceof TenancyError) {
    return error;
  }
  if ((error as { readonly code?: unknown }).code === 'ER_BAD_DB_ERROR') {
    return new TenantDatabaseMissingError(tenantId, database, { cause: error });
  }
  const why = messageOf(error) || 'the connection was refused';
  const isFull = connectFailureOf(error) === 'full';
  return new TenantConnectionError(tenantId, isFull ? `${why}; ${TOO_MANY_CLIENTS}` : why, { cause: error });
}
