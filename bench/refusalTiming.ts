import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { bySubdomain, tenancy } from 'mikro-orm-multitenancy/koa';
import { entities } from './support/entities.ts';
import { median } from './support/measure.ts';
import { type Figure, record } from './support/results.ts';

const ROUNDS = 600;
/** What looking up whose tenant it is takes an application: more than the catalogue does. */
const AUTHORIZE_MS = 3;

/** A tenant that is not there, one that is suspended for a stranger, and one that is somebody else's. */
const HOSTS = { missing: 'nobody', suspended: 'suspended', 'not yours': 'theirs' } as const;
type Kind = keyof typeof HOSTS;

await using manager = await TenantOrmManager.init({
  orm: { entities: entities(1) },
  server: 'postgresql://app@127.0.0.1:1',
  catalog: new StaticCatalog([
    { id: 'theirs', database: 'theirs' },
    { id: 'suspended', database: 'suspended', status: 'suspended' },
  ]),
});

async function timesOf(refusalFloorMs: number): Promise<ReadonlyMap<Kind, number[]>> {
  const app = new Koa();
  app.use(
    tenancy(manager, {
      resolve: bySubdomain('example.com'),
      refusalFloorMs,
      authorize: () => new Promise((resolve) => setTimeout(() => resolve(false), AUTHORIZE_MS)),
    }),
  );
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const times = new Map<Kind, number[]>((Object.keys(HOSTS) as Kind[]).map((kind) => [kind, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [kind, took] of times) {
      const startedAt = performance.now();
      const sent = request({ host: '127.0.0.1', port, headers: { host: `${HOSTS[kind]}.example.com` } }).end();
      const [response] = await once(sent, 'response');
      await once(response.resume(), 'end');
      took.push(performance.now() - startedAt);
    }
  }
  server.closeAllConnections();
  server.close();
  return times;
}

/** The largest difference between two kinds, of their medians. */
function spread(times: ReadonlyMap<Kind, number[]>): number {
  const medians = [...times.values()].map(median);
  return Math.max(...medians) - Math.min(...medians);
}

const [floored, bare] = [await timesOf(20), await timesOf(0)];
const figures: Figure[] = (Object.keys(HOSTS) as Kind[]).map((kind) => ({
  what: `404 for a tenant that is ${kind}`,
  unit: 'ms',
  ours: median(floored.get(kind) ?? []),
  peer: median(bare.get(kind) ?? []),
}));
record('refusalTiming', {
  question: 'Does a stopwatch tell a tenant that is not there from one that is suspended, or somebody else’s?',
  peer: 'the same without `refusalFloorMs`; `authorize` takes 3 ms in both. Requests of all kinds take turns',
  figures: [
    ...figures,
    { what: 'largest difference between two medians', unit: 'ms', ours: spread(floored), peer: spread(bare) },
  ],
});
