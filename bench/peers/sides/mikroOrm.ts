import { MikroORM, RequestContext } from '@mikro-orm/postgresql';
import { Databases } from './Databases.ts';
import { mikroOrmTables } from './mikroOrmTables.ts';
import type { Side, SideOptions } from './Side.ts';

/** A plain MikroORM for each tenant, with the middleware of MikroORM's documentation. */
export function open(options: SideOptions): Side {
  const { tables, tableAt } = mikroOrmTables();
  const pool = { min: 0, max: options.maxConnectionsPerTenant, idleTimeoutMillis: options.idleTimeoutMs };
  const databases = new Databases<MikroORM>(options, {
    open: (clientUrl) => MikroORM.init({ entities: tables, clientUrl, pool }),
    close: (orm) => orm.close(),
  });
  return {
    middleware: (ctx, next) => databases.use(ctx.host, (orm) => RequestContext.create(orm.em, next)),
    list: async (table) => RequestContext.getEntityManager()?.find(tableAt(table), {}, { orderBy: { id: 'asc' } }),
    close: () => databases.close(),
  };
}
