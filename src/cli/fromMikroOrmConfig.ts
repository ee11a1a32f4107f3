import type { EntityManager, Options } from '@mikro-orm/postgresql';
import type { ServerOptions } from '../connections/ServerOptions.ts';
import { TenancyConfigurationError } from '../errors.ts';
import type { TenantEntities, TenantOrmOptions } from '../orm/TenantOrmOptions.ts';

/** What says in MikroORM's options which database there is, and what is no choice where there are many. */
const OF_ONE_DATABASE = [
  ...(['clientUrl', 'dbName', 'host', 'port', 'user', 'password'] as const),
  ...(['name', 'contextName', 'allowGlobalContext', 'ensureDatabase', 'connect', 'driverOptions'] as const),
] as const;

/** What {@link fromMikroOrmConfig} gives. */
export interface OrmAndServer<EM extends EntityManager, Entities extends TenantEntities> {
  readonly orm: TenantOrmOptions<EM, Entities>;
  readonly server: ServerOptions;
}

/**
 * Of the options of a MikroORM for one database, what holds for every tenant: `orm` without the database, and its `server`.
 * Options that tenants cannot have are left in, so that `TenantOrmManager.init` says what to use instead. Throws
 * `TenancyConfigurationError` for what is not an object.
 */
export function fromMikroOrmConfig<
  EM extends EntityManager = EntityManager,
  Entities extends TenantEntities = TenantEntities,
>(options: Options<EM, [...Entities]>): OrmAndServer<EM, [...Entities]> {
  if (typeof options !== 'object' || options === null || Array.isArray(options) || 'then' in options) {
    throw new TenancyConfigurationError(
      'fromMikroOrmConfig takes the options themselves: call the function, or await the promise, that gives them.',
    );
  }
  const orm: Record<string, unknown> = { ...options };
  for (const option of OF_ONE_DATABASE) {
    delete orm[option];
  }
  const { is, ssl } = tlsOf(options.driverOptions);
  return {
    orm: { ...orm, ...(is === 'only' ? {} : { driverOptions: options.driverOptions }) } as never,
    server: { ...addressOf(options as Options), ...(ssl === undefined ? {} : { ssl: ssl as never }) },
  };
}

function addressOf({ clientUrl, host, port, user, password }: Options): ServerOptions {
  // As MikroORM has them where nothing is said.
  const url = clientUrl ?? `postgresql://${host ?? '127.0.0.1'}:${port ?? 5432}`;
  const login = user ?? (clientUrl === undefined ? 'postgres' : undefined);
  return {
    url,
    ...(login === undefined ? {} : { user: login }),
    ...(password === undefined ? {} : { password: password as Exclude<ServerOptions['password'], undefined> }),
  };
}

/** TLS is the one thing in `driverOptions` that a server has as well. */
function tlsOf(driverOptions: unknown): { readonly is: 'only' | 'among others'; readonly ssl?: unknown } {
  if (driverOptions === undefined) {
    return { is: 'only' };
  }
  const { connection, ...beside } = driverOptions as { readonly connection?: object };
  const { ssl, ...others } = { ...beside, ...connection } as { readonly ssl?: unknown };
  return Object.keys(others).length === 0 && typeof driverOptions !== 'function'
    ? { is: 'only', ssl }
    : { is: 'among others' };
}
