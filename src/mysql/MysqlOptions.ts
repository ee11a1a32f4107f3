import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { z } from 'zod';
import { type Password, SERVER_DEFAULTS, type ServerOptions } from '../connections/ServerOptions.ts';
import { checkOptions, countFrom, time } from '../databases/options.ts';
import { TenancyConfigurationError } from '../errors.ts';

/** Options of tenants whose databases are on one server of MySQL or MariaDB. */
export interface MysqlOptions
  extends Pick<
    ServerOptions,
    | 'maxConnections'
    | 'maxConnectionsPerTenant'
    | 'maxOpeningConnections'
    | 'reservedConnections'
    | 'acquireTimeoutMs'
    | 'connectTimeoutMs'
    | 'idleTimeoutMs'
    | 'maxLifetimeMs'
    | 'checkAfterIdleMs'
    | 'maxWaitingPerTenant'
    | 'maxWaiting'
  > {
  /** `mysql://user:password@host:port`, or `mariadb://…`: no database, and no parameters. */
  readonly url: string;
  /** Instead of the one in the URL. */
  readonly user?: string | undefined;
  /**
   * Instead of the one in the URL. A function is called for each new connection, so that a password may change while
   * connections exist; its time counts in `connectTimeoutMs`.
   */
  readonly password?: Password | undefined;
  /** TLS; `true` for the authorities that Node.js trusts. @default off */
  readonly ssl?: boolean | TlsOptions | undefined;
}

/** The options with their defaults. */
export type CheckedMysqlOptions = Required<Omit<MysqlOptions, 'url' | 'user' | 'password' | 'ssl'>> & {
  readonly [Limit in keyof typeof SERVER_DEFAULTS]: number;
} & MysqlAddress;

/** Where connections are opened, and as whom. */
export interface MysqlAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Password | undefined;
  readonly ssl: TlsOptions | undefined;
  /** What all of it may take: the password, DNS, TCP, TLS, authentication and the proof. */
  readonly connectTimeoutMs: number;
}

const DEFAULT_PORT = 3306;
const DEFAULT_USER = 'root';

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

const shape = z.strictObject({
  url: z.string(),
  user: z.string().min(1).optional(),
  password: z
    .custom<Password>((value) => typeof value === 'string' || typeof value === 'function', 'a string or a function')
    .optional(),
  ssl: z.union([z.boolean(), z.custom<TlsOptions>(isObject)]).optional(),
  maxConnections: countFrom(2).default(SERVER_DEFAULTS.maxConnections),
  maxConnectionsPerTenant: countFrom(1).default(SERVER_DEFAULTS.maxConnectionsPerTenant),
  maxOpeningConnections: countFrom(1).default(SERVER_DEFAULTS.maxOpeningConnections),
  reservedConnections: countFrom(1).default(SERVER_DEFAULTS.reservedConnections),
  acquireTimeoutMs: time.default(SERVER_DEFAULTS.acquireTimeoutMs),
  connectTimeoutMs: time.default(SERVER_DEFAULTS.connectTimeoutMs),
  idleTimeoutMs: time.default(SERVER_DEFAULTS.idleTimeoutMs),
  maxLifetimeMs: time.default(SERVER_DEFAULTS.maxLifetimeMs),
  checkAfterIdleMs: time.default(SERVER_DEFAULTS.checkAfterIdleMs),
  maxWaitingPerTenant: countFrom(0).default(SERVER_DEFAULTS.maxWaitingPerTenant),
  maxWaiting: countFrom(0).default(SERVER_DEFAULTS.maxWaiting),
});

const WHO = 'mysqlDatabases';

/** Throws `TenancyConfigurationError`, which names each option, and never the URL. */
export function checkMysqlOptions(given: MysqlOptions): CheckedMysqlOptions {
  const { url, user, password, ssl, ...limits } = checkOptions(WHO, shape, given);
  if (limits.reservedConnections >= limits.maxConnections) {
    throw new TenancyConfigurationError(
      `${WHO}: \`reservedConnections\` (${limits.reservedConnections}) leaves nothing of \`maxConnections\` ` +
        `(${limits.maxConnections}) for requests. Raise \`maxConnections\`.`,
    );
  }
  const address = addressOf(url);
  return Object.freeze({
    ...limits,
    host: address.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: address.port === '' ? DEFAULT_PORT : Number(address.port),
    user: user ?? (decodeURIComponent(address.username) || DEFAULT_USER),
    password: password ?? (decodeURIComponent(address.password) || undefined),
    // One object for all connections, of which `mysql2` keeps what it has made of it. It writes to it as well.
    ssl: ssl === true ? {} : ssl === false || ssl === undefined ? undefined : { ...ssl },
  });
}

function addressOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^(?:mysql|mariadb):$/.test(url.protocol) || url.hostname === '') {
    throw new TenancyConfigurationError(`${WHO}: \`url\` must look like mysql://user:password@host:port.`);
  }
  if (!/^\/?$/.test(url.pathname) || url.search !== '' || url.hash !== '') {
    throw new TenancyConfigurationError(
      `${WHO}: \`url\` must carry no database and no parameters: each tenant brings its own database, and the rest has ` +
        'options of its own.',
    );
  }
  return url;
}
