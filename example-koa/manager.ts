import { fileURLToPath } from 'node:url';
import { Migrator } from '@mikro-orm/migrations';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { House } from './entities/House.ts';
import type { HouseTenant } from './tenants.ts';

/** `server` is a URL as `postgresql://user:password@host:port`; each tenant brings its database. */
export function openManager(server: string, tenants: readonly HouseTenant[]): Promise<TenantOrmManager<HouseTenant>> {
  return TenantOrmManager.init<HouseTenant>({
    orm: {
      entities: [House],
      extensions: [Migrator],
      // `.js` where the application was compiled.
      migrations: { path: fileURLToPath(new URL('migrations', import.meta.url)), glob: '!(*.d).{js,ts}' },
    },
    server,
    catalog: new StaticCatalog(tenants),
  });
}
