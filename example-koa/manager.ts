import { fileURLToPath } from 'node:url';
import { Migrator } from '@mikro-orm/migrations';
import { TenantOrmManager, tenantLogger } from 'mikro-orm-multitenancy';
import { CentralMigration20261125100000 } from './central/CentralMigration20261125100000.ts';
import { Customer } from './central/Customer.ts';
import { Plan } from './central/Plan.ts';
import { House } from './entities/House.ts';
import { seedHouses } from './seed.ts';

export interface ManagerOptions {
  /** `postgresql://user:password@host:port`; each tenant brings its database. */
  readonly server: string;
  /** The database in which the tenants are listed, on the same server. */
  readonly centralDatabase: string;
  /** What the names of the tenants' databases begin with. */
  readonly databasePrefix: string;
  /** Tenants are its subdomains, and so none may have it as a domain of its own. */
  readonly baseDomain: string;
  /** Takes the lines of MikroORM's log: each statement that is slow, and whose it is. @default console.log */
  readonly log?: (line: string) => void;
}

export type HouseManager = Awaited<ReturnType<typeof openManager>>;

/** From when on a statement is in the log. */
const SLOW_MS = 200;

export function openManager({
  server,
  centralDatabase,
  databasePrefix,
  baseDomain,
  log = console.log,
}: ManagerOptions) {
  return TenantOrmManager.init({
    orm: {
      entities: [House],
      extensions: [Migrator],
      // `.js` where the application was compiled.
      // Each line begins with the tenant: [slow-query] (acme) select …
      loggerFactory: tenantLogger(),
      slowQueryThreshold: SLOW_MS,
      slowQueryLoggerFactory: tenantLogger(),
      logger: log,
      migrations: { path: fileURLToPath(new URL('migrations', import.meta.url)), glob: '!(*.d).{js,ts}' },
    },
    server,
    central: {
      database: centralDatabase,
      tenant: Customer,
      orm: {
        entities: [Plan],
        extensions: [Migrator],
        migrations: { migrationsList: [CentralMigration20261125100000] },
      },
      ownDomains: [baseDomain],
    },
    provisioning: {
      databaseName: (id) => databasePrefix + id,
      seed: seedHouses,
      // A sign-up takes a database that is ready.
      spares: { min: 1 },
    },
  });
}
