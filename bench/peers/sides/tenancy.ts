import { RequestContext } from '@mikro-orm/postgresql';
import { bySubdomain, StaticCatalog, TenantOrmManager, tenancy, trustResolution } from '../../support/ours.ts';
import { mikroOrmTables } from './mikroOrmTables.ts';
import type { Side, SideOptions } from './Side.ts';

/** Ours. */
export async function open({ url, databases, maxOpenTenants, ...limits }: SideOptions): Promise<Side> {
  const { tables, tableAt } = mikroOrmTables();
  const manager = await TenantOrmManager.init({
    orm: { entities: tables },
    server: { url, ...limits },
    catalog: new StaticCatalog(databases.map((database, index) => ({ id: `t${index}`, database }))),
    maxOpenTenants,
  });
  return {
    middleware: tenancy(manager, { resolve: bySubdomain('example.com'), authorize: trustResolution }),
    list: async (table) => RequestContext.getEntityManager()?.find(tableAt(table), {}, { orderBy: { id: 'asc' } }),
    close: () => manager.close(),
  };
}
