import { AsyncLocalStorage } from 'node:async_hooks';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '../generated/prisma/client.ts';
import { Databases } from './Databases.ts';
import type { Side, SideOptions } from './Side.ts';

const context = new AsyncLocalStorage<PrismaClient>();

/** A PrismaClient over its `pg` adapter for each tenant; Node's context holds the current one. */
export function open(options: SideOptions): Side {
  const limits = { max: options.maxConnectionsPerTenant, idleTimeoutMillis: options.idleTimeoutMs };
  const databases = new Databases<PrismaClient>(options, {
    open: (connectionString) => new PrismaClient({ adapter: new PrismaPg({ connectionString, ...limits }) }),
    close: (client) => client.$disconnect(),
  });
  return {
    middleware: (ctx, next) => databases.use(ctx.host, (client) => context.run(client, next)),
    list: async (table) => context.getStore()?.[`table${table}` as 'table0'].findMany({ orderBy: { id: 'asc' } }),
    close: () => databases.close(),
  };
}
