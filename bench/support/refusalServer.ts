// A server process of `refusalTiming`: one application for each situation, each on a port of its own.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { TenantOrmManager } from 'mikro-orm-multitenancy';
import { type Authorize, bySubdomain, tenancy } from 'mikro-orm-multitenancy/koa';
import { entities } from './entities.ts';

export interface RefusalServerOptions {
  readonly url: string;
  /** The name of the central database, which is created. */
  readonly central: string;
}

/** What has to be done before a tenant that exists is refused, and is not done for one that does not. */
export const SITUATIONS = [
  'authorize in memory',
  'authorize asks a database',
  'the catalogue asks a database',
] as const;

export interface RefusalServerPorts {
  /** By situation: with the floor as it is by default, and without. */
  readonly floor: Readonly<Record<string, number>>;
  readonly none: Readonly<Record<string, number>>;
}

/** All of one length, so that the bytes are as many. */
export const HOSTS = { missing: 'nobodyy', foreign: 'foreign', suspended: 'suspend' } as const;

async function managerOf({ url, central }: RefusalServerOptions, maxCachedTenants: number) {
  return TenantOrmManager.init({
    orm: { entities: entities(1) },
    server: url,
    central: { database: central, cache: { maxCachedTenants } },
  });
}

async function serve(options: RefusalServerOptions): Promise<void> {
  const manager = await managerOf(options, 100);
  await manager.central.migrate({ createDatabase: true });
  await manager.central.tenants.create({ id: HOSTS.foreign });
  await manager.central.tenants.create({ id: HOSTS.suspended, status: 'suspended' });
  // Room for one tenant, of two that are asked for in turns: each has to be looked up.
  const forgetful = await managerOf(options, 1);

  const inMemory: Authorize = (ctx, tenant) => ctx.get('X-User') === tenant.id;
  const byQuery: Authorize = async (_ctx, { id }) =>
    manager.central.run(async (em) => {
      const rows = await em.execute('select 1 from tenancy_domains where tenant_id = ? and is_primary', [id]);
      return rows.length > 0;
    });

  async function portOf(of: TenantOrmManager, authorize: Authorize, refusalFloorMs?: number): Promise<number> {
    const app = new Koa();
    app.use(tenancy(of, { resolve: bySubdomain('example.com'), authorize, refusalFloorMs }));
    const server = app.listen(0, '127.0.0.1');
    server.keepAliveTimeout = 0;
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  async function portsOf(refusalFloorMs?: number): Promise<Record<string, number>> {
    const [first, second, third] = SITUATIONS;
    return {
      [first]: await portOf(manager as unknown as TenantOrmManager, inMemory, refusalFloorMs),
      [second]: await portOf(manager as unknown as TenantOrmManager, byQuery, refusalFloorMs),
      [third]: await portOf(forgetful as unknown as TenantOrmManager, inMemory, refusalFloorMs),
    };
  }

  const ports: RefusalServerPorts = { floor: await portsOf(), none: await portsOf(0) };
  process.send?.(ports);
  process.once('disconnect', () => process.exit());
}

if (process.argv[1] === import.meta.filename) {
  await serve(JSON.parse(process.argv[2] ?? '') as RefusalServerOptions);
}
