import type { CheckedServerOptions } from './ServerOptions.ts';

/** What `sslmode` and the like in a URL are called in the environment of PostgreSQL's own programs. */
const PARAMETERS: Readonly<Record<string, string>> = {
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
};

/**
 * How PostgreSQL's own programs reach a database of the server, by their environment: a password in their arguments would
 * be seen by everybody on the machine. `undefined` where `ssl` is something that they have no words for.
 */
export async function libpqEnvironment(
  { directUrl, user, password, ssl, connectTimeoutMs }: CheckedServerOptions,
  database: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  if (typeof ssl === 'object') {
    return undefined;
  }
  const url = new URL(directUrl);
  const given = typeof password === 'function' ? await password() : (password ?? decodeURIComponent(url.password));
  const parameters = Object.entries(PARAMETERS).flatMap(([parameter, variable]) => {
    const value = url.searchParams.get(parameter);
    return value === null ? [] : [[variable, value] as const];
  });
  return {
    PGHOST: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    PGPORT: url.port === '' ? '5432' : url.port,
    PGUSER: user ?? decodeURIComponent(url.username),
    PGDATABASE: database,
    PGCONNECT_TIMEOUT: String(Math.max(2, Math.ceil(connectTimeoutMs / 1_000))),
    ...(given === '' ? {} : { PGPASSWORD: given }),
    ...(ssl === undefined ? {} : { PGSSLMODE: ssl ? 'require' : 'disable' }),
    ...Object.fromEntries(parameters),
  };
}
