import { fileURLToPath } from 'node:url';
import { Migrator } from '@mikro-orm/migrations';
import { TenantOrmManager } from 'mikro-orm-multitenancy';
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
}

export type HouseManager = Awaited<ReturnType<typeof openManager>>;

export function openManager({ server, centralDatabase, databasePrefix, baseDomain }: ManagerOptions) {
  return TenantOrmManager.init({
    orm: {
      entities: [House],
      extensions: [Migrator],
      // `.js` where the application was compiled.
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
