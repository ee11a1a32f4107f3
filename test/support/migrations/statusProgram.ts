// Reads the status of 1,000 tenants again and again, and prints what is left of it.
import { queryObjects } from 'node:v8';
import { EntitySchema, MetadataStorage } from '@mikro-orm/core';
import { MikroORM } from '@mikro-orm/postgresql';
import { migrationsList } from './migrations.ts';
import { StatusWorld } from './StatusWorld.ts';

const TENANTS = 1_000;
const [server = '', ...databases] = process.argv.slice(2);
const world = await StatusWorld.create({
  tenants: Array.from({ length: TENANTS }, (_, n) => ({
    id: `tenant-${n}`,
    database: databases[n % databases.length] as string,
  })),
  migrationsList,
  servers: { default: { url: server, maxConnections: 6, reservedConnections: 4 } },
});
let most = 0;
const watch = setInterval(() => {
  const { opening, open, closing } = world.servers.get('default')?.stats().reserved ?? {
    opening: 0,
    open: 0,
    closing: 0,
  };
  most = Math.max(most, opening + open + closing);
}, 1);

/** What there is when nothing is under way. */
async function left(): Promise<Record<'orms' | 'registered' | 'heapKb', number>> {
  for (let n = 0; n < 10; n += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
  }
  return {
    orms: queryObjects(MikroORM, { format: 'count' }),
    registered: EntitySchema.REGISTRY.size + Object.keys(MetadataStorage.getMetadata()).length,
    heapKb: Math.round(process.memoryUsage().heapUsed / 1024),
  };
}

const startedAt = performance.now();
const { counts } = await world.read();
const tookMs = performance.now() - startedAt;
const before = await left();
await world.read();
const after = await left();
clearInterval(watch);
console.log(JSON.stringify({ counts, before, after, most, tookMs: Math.round(tookMs), pools: world.pools.size }));
