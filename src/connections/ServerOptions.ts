import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { z } from 'zod';
import { TenancyConfigurationError } from '../errors.ts';
import { LONGEST_DELAY_MS } from './Clock.ts';
import { type SessionOption, sessionsOf } from './SessionSettings.ts';

/** A password, or what fetches it for each new connection, as a token that changes needs it. */
export type Password = string | (() => string | Promise<string>);

/** A read replica of a server. What is left out is as the server has it. */
export interface ReplicaOptions {
  /** As that of the server. */
  readonly url: string;
  readonly pooler?: 'none' | 'transaction' | undefined;
  readonly user?: string | undefined;
  readonly password?: Password | undefined;
  readonly ssl?: boolean | TlsOptions | undefined;
}

/** {@link ReplicaOptions} with what they take from their server. */
export interface CheckedReplicaOptions {
  readonly url: string;
  readonly pooler: 'none' | 'transaction';
  readonly user: string | undefined;
  readonly password: Password | undefined;
  readonly ssl: boolean | TlsOptions | undefined;
}

/** One PostgreSQL server that holds tenant databases. */
export interface ServerOptions {
  /**
   * `postgresql://user:password@host:port`, for requests. May point at PgBouncer. A database in its path is used for
   * nothing but administration, never for a tenant.
   */
  readonly url: string;
  /** The same server without a pooler in between, for migrations and locks. @default `url` */
  readonly directUrl?: string | undefined;
  /**
   * `transaction` where `url` is a pooler that gives a connection to another client after each transaction, as PgBouncer
   * does; `none` where it is PostgreSQL itself. @default 'transaction' when `directUrl` is another one, else 'none'
   */
  readonly pooler?: 'none' | 'transaction' | undefined;
  /**
   * Its read replicas, used as MikroORM uses `replicas`: for reads outside of transactions, one at random, as
   * `preferReadReplicas` and `connectionType` say. Their connections count in the limits below. @default none
   */
  readonly replicas?: readonly (string | ReplicaOptions)[] | undefined;
  /** Instead of the one in the URLs. */
  readonly user?: string | undefined;
  /**
   * Instead of the one in the URLs. A function is called for each new connection, so that a password may change while
   * connections exist; its time counts in `connectTimeoutMs`.
   */
  readonly password?: Password | undefined;
  /**
   * What the sessions of tenants are held to: `statement_timeout` and the like. Settings of `orm` or the application
   * itself come later and win. Migrations have none of it. @default as the server has it
   */
  readonly session?: SessionOption | undefined;
  /** TLS as `pg` takes it. @default what `sslmode` in the URL says */
  readonly ssl?: boolean | TlsOptions | undefined;
  /** Hard ceiling on the sockets of this process to the server. @default 50 */
  readonly maxConnections?: number | undefined;
  /** @default 4 */
  readonly maxConnectionsPerTenant?: number | undefined;
  /**
   * How many connections are opened at a time. A server forks a process for each: more of them at once are no faster, and
   * hold room in which connections could be in use. @default 4
   */
  readonly maxOpeningConnections?: number | undefined;
  /** Part of `maxConnections` that requests never take: it is kept for migrations. @default 2 */
  readonly reservedConnections?: number | undefined;
  /** How long a caller waits for a connection, in milliseconds. @default 3000 */
  readonly acquireTimeoutMs?: number | undefined;
  /** How long opening one may take: DNS, TCP, TLS and authentication together. @default 5000 */
  readonly connectTimeoutMs?: number | undefined;
  /** After how long an idle connection is closed. @default 30000 */
  readonly idleTimeoutMs?: number | undefined;
  /** After how long a connection is replaced, a tenth more or less; never under its user. @default 1800000 (30 minutes) */
  readonly maxLifetimeMs?: number | undefined;
  /** A connection that was idle for so long is tried before it is used. @default 10000 */
  readonly checkAfterIdleMs?: number | undefined;
  /**
   * A connection held for longer is reported by the event `connection:leaked`, with the stack of whoever acquired it.
   * Keeping stacks costs some microseconds for each connection that is acquired. @default off
   */
  readonly leakWarningMs?: number | undefined;
  /** How many callers of one tenant may wait for a connection. @default 50 */
  readonly maxWaitingPerTenant?: number | undefined;
  /** How many callers of all tenants may wait. @default 500 */
  readonly maxWaiting?: number | undefined;
}

/** {@link ServerOptions} with its defaults filled in. */
export interface CheckedServerOptions {
  readonly url: string;
  readonly directUrl: string;
  readonly pooler: 'none' | 'transaction';
  readonly replicas: readonly CheckedReplicaOptions[];
  readonly user: string | undefined;
  readonly password: Password | undefined;
  readonly session: SessionOption | undefined;
  readonly ssl: boolean | TlsOptions | undefined;
  readonly maxConnections: number;
  readonly maxConnectionsPerTenant: number;
  readonly maxOpeningConnections: number;
  readonly reservedConnections: number;
  readonly acquireTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxLifetimeMs: number;
  readonly checkAfterIdleMs: number;
  readonly leakWarningMs: number | undefined;
  readonly maxWaitingPerTenant: number;
  readonly maxWaiting: number;
}

export const SERVER_DEFAULTS = Object.freeze({
  maxConnections: 50,
  maxConnectionsPerTenant: 4,
  maxOpeningConnections: 4,
  reservedConnections: 2,
  acquireTimeoutMs: 3_000,
  connectTimeoutMs: 5_000,
  idleTimeoutMs: 30_000,
  maxLifetimeMs: 30 * 60_000,
  checkAfterIdleMs: 10_000,
  maxWaitingPerTenant: 50,
  maxWaiting: 500,
});

const count = (fallback: number) => z.int().min(1).default(fallback);
const delay = (fallback: number) => z.int().min(1).max(LONGEST_DELAY_MS).default(fallback);

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

const address = {
  url: z.string(),
  pooler: z.enum(['none', 'transaction']).optional(),
  user: z.string().min(1).optional(),
  password: z
    .custom<Password>((value) => typeof value === 'string' || typeof value === 'function', 'a string or a function')
    .optional(),
  ssl: z.union([z.boolean(), z.custom<TlsOptions>(isObject)]).optional(),
};

const shape = z.strictObject({
  ...address,
  directUrl: z.string().optional(),
  replicas: z
    .array(z.preprocess((value) => (typeof value === 'string' ? { url: value } : value), z.strictObject(address)))
    .default([]),
  session: z
    .custom<SessionOption>(
      (value) => isObject(value) || typeof value === 'function',
      'settings, or a function of a tenant',
    )
    .optional(),
  maxConnections: count(SERVER_DEFAULTS.maxConnections),
  maxConnectionsPerTenant: count(SERVER_DEFAULTS.maxConnectionsPerTenant),
  maxOpeningConnections: count(SERVER_DEFAULTS.maxOpeningConnections),
  reservedConnections: count(SERVER_DEFAULTS.reservedConnections),
  acquireTimeoutMs: delay(SERVER_DEFAULTS.acquireTimeoutMs),
  connectTimeoutMs: delay(SERVER_DEFAULTS.connectTimeoutMs),
  idleTimeoutMs: delay(SERVER_DEFAULTS.idleTimeoutMs),
  maxLifetimeMs: delay(SERVER_DEFAULTS.maxLifetimeMs),
  checkAfterIdleMs: delay(SERVER_DEFAULTS.checkAfterIdleMs),
  leakWarningMs: z.int().min(1).max(LONGEST_DELAY_MS).optional(),
  maxWaitingPerTenant: z.int().min(0).default(SERVER_DEFAULTS.maxWaitingPerTenant),
  maxWaiting: z.int().min(0).default(SERVER_DEFAULTS.maxWaiting),
});

/** Checks the options of the server `name`. Throws `TenancyConfigurationError`, without the URL in its message. */
export function checkServer(name: string, options: string | ServerOptions): CheckedServerOptions {
  const parsed = shape.safeParse(typeof options === 'string' ? { url: options } : options);
  if (!parsed.success) {
    throw new TenancyConfigurationError(`Server "${name}": ${z.prettifyError(parsed.error)}`);
  }
  const server = parsed.data;
  checkUrl(name, 'url', server.url);
  const directUrl = server.directUrl ?? server.url;
  checkUrl(name, 'directUrl', directUrl);
  if (server.reservedConnections >= server.maxConnections) {
    throw new TenancyConfigurationError(
      `Server "${name}": \`reservedConnections\` (${server.reservedConnections}) leaves nothing of \`maxConnections\` ` +
        `(${server.maxConnections}) for requests. Raise \`maxConnections\`.`,
    );
  }
  sessionsOf(name, server.session);
  const pooler = server.pooler ?? (directUrl === server.url ? 'none' : 'transaction');
  const { user, password, ssl, session, leakWarningMs } = server;
  const replicas = server.replicas.map((replica, n) => {
    checkUrl(name, `replicas[${n}]`, replica.url);
    return Object.freeze({
      url: replica.url,
      pooler: replica.pooler ?? pooler,
      user: replica.user ?? user,
      password: replica.password ?? password,
      ssl: replica.ssl ?? ssl,
    });
  });
  return Object.freeze({ ...server, directUrl, pooler, replicas, user, password, session, ssl, leakWarningMs });
}

function checkUrl(server: string, option: string, value: string): void {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol) || url.hostname === '') {
    throw new TenancyConfigurationError(
      `Server "${server}": \`${option}\` must look like postgresql://user:password@host:port.`,
    );
  }
  for (const parameter of ['database', 'dbname', 'host', 'port', 'user', 'options']) {
    if (url.searchParams.has(parameter)) {
      throw new TenancyConfigurationError(
        `Server "${server}": \`${option}\` must not carry the parameter "${parameter}"; it could lead to another database.`,
      );
    }
  }
}
