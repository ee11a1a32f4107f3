// Reads the status of 1,000 tenants, twice, and prints what is left after each.
import { queryObjects } from 'node:v8';
import { EntitySchema, MetadataStorage } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import { TenantOrmManager } from 'mikro-orm-multitenancy';
import { migrationsList } from './migrations.ts';

const TENANTS = 1_000;
const [server = '', ...databases] = process.argv.slice(2);
const tenants = Array.from({ length: TENANTS }, (_, n) => ({
  id: `tenant-${String(n).padStart(4, '0')}`,
  database: databases[n % databases.length] as string,
}));
const manager = await TenantOrmManager.init({
  orm: { entities: [], discovery: { warnWhenNoEntities: false }, migrations: { migrationsList } },
  server: { url: server, maxConnections: 6, reservedConnections: 4 },
  // Not a static one, which wants a database for each tenant.
  catalog: {
    find: async (id) => tenants.find((one) => one.id === id),
    findByDomain: async () => undefined,
    list: async () => ({ tenants, next: undefined }),
  },
});
const sockets = (): number => {
  const { requests, reserved } = manager.stats().servers['default'] ?? {};
  return [requests, reserved].reduce((sum, one) => sum + (one ? one.opening + one.open + one.closing : 0), 0);
};
let most = 0;
const watch = setInterval(() => {
  most = Math.max(most, sockets());
}, 1);

/** What there is when nothing is under way. */
async function left(): Promise<Record<'orms' | 'registered' | 'heapKb' | 'sockets', number>> {
  for (let n = 0; n < 10; n += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
  }
  return {
    orms: queryObjects(MikroORM, { format: 'count' }),
    registered: EntitySchema.REGISTRY.size + Object.keys(MetadataStorage.getMetadata()).length,
    heapKb: Math.round(process.memoryUsage().heapUsed / 1024),
    sockets: sockets(),
  };
}

const startedAt = performance.now();
const { counts } = await manager.fleet.status();
const tookMs = Math.round(performance.now() - startedAt);
const before = await left();
await manager.fleet.status();
const after = await left();
clearInterval(watch);
const { handles, leases } = manager.stats();
console.log(JSON.stringify({ counts, before, after, most, tookMs, handles, leases }));
await manager.close();
