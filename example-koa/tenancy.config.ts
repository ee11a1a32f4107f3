import { readConfig } from './config.ts';
import { openManager } from './manager.ts';
import { StartError } from './StartError.ts';
import { DATABASE_PREFIX } from './tenants.ts';

/** For `tenants --config example-koa/tenancy.config.ts`, over the server of `DATABASE_URL`. */
export default () => {
  const { databaseUrl, baseDomain } = readConfig(process.env);
  if (databaseUrl === undefined) {
    throw new StartError('Set DATABASE_URL: the embedded PostgreSQL belongs to the application that started it.');
  }
  return openManager({
    server: databaseUrl,
    centralDatabase: `${DATABASE_PREFIX}central`,
    databasePrefix: DATABASE_PREFIX,
    baseDomain,
  });
};
