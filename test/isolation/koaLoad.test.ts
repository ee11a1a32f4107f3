import { randomInt } from 'node:crypto';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RequestContext } from '@mikro-orm/core';
import type { Context, Middleware } from 'koa';
import { bySubdomain, tenancy, trustResolution } from 'mikro-orm-multitenancy/koa';
import { serverUrl } from '../support/databases.ts';
import { House } from '../support/isolation/entities.ts';
import { tenantReached } from '../support/isolation/reached.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';
import { KoaServer } from '../support/koa/KoaServer.ts';

/** Set `ISOLATION_REQUESTS` for more. */
const REQUESTS = Number(process.env['ISOLATION_REQUESTS'] ?? 10_000);
const CONCURRENCY = 64;
const REQUESTS_PER_EVICTION = 50;
const ids = ['acme', 'globex'] as const;

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What each path does with the house that has the same key in both tenants; all answer with its address. */
const handlers: Record<string, (world: TenantWorld, ctx: Context) => Promise<string>> = {
  '/request-context': async () => {
    const house = await RequestContext.getEntityManager()?.findOneOrFail(House, 1, { populate: ['owner', 'rooms'] });
    return [house?.address, house?.owner?.name, house?.rooms[0]?.name].join('; ');
  },
  '/manager-em': async ({ manager }) => {
    const [house] = await manager.em.getRepository(House).find({ id: 1 });
    return `${house?.address ?? ''}; ${await tenantReached(manager.em)} database`;
  },
  '/change': ({ manager }, ctx) =>
    manager.em.transactional(async (em) => {
      const house = await em.findOneOrFail(House, 2, { populate: ['tags'] });
      house.address = `${ctx.subdomains[0] ?? ''} house changed by ${ctx.querystring}`;
      await em.flush();
      return `${house.address}; ${house.tags[0]?.name ?? ''}`;
    }),
  '/other-tenant': async ({ manager }, ctx) => {
    const other = ids.find((id) => id !== ctx.state['tenant'].id) as string;
    const seen = await manager.run(other, (em) => em.findOneOrFail(House, 1));
    const own = await manager.em.findOneOrFail(House, 1);
    return seen.address.startsWith(other) ? own.address : `${seen.address} was found in ${other}`;
  },
};
const paths = Object.keys(handlers);

describe('two tenants with equal primary keys behind Koa', () => {
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  let world: TenantWorld;
  let server: KoaServer;
  beforeAll(async () => {
    // On a slow machine a request may wait longer than it would be let in production; that is no error here.
    const limits = { maxWaitingPerTenant: 2 * CONCURRENCY, acquireTimeoutMs: 60_000 };
    world = await TenantWorld.create({
      ids,
      orm: { debug: false },
      manager: { server: { url: serverUrl(), ...limits } },
    });
    const tenant = tenancy(world.manager, { resolve: bySubdomain('example.com'), authorize: trustResolution });
    const handle: Middleware = async (ctx) => {
      ctx.body = await handlers[ctx.path]?.(world, ctx);
    };
    server = await KoaServer.start(tenant as Middleware, handle);
  });
  afterAll(async () => {
    agent.destroy();
    await server[Symbol.asyncDispose]();
  });

  function send(id: string, path: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = { host: `${id}.example.com` };
      const sent = request(
        { host: '127.0.0.1', port: server.port, path, headers, agent },
        (response: IncomingMessage) => {
          text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
        },
      );
      sent.once('error', reject).end();
    });
  }

  it(
    `cross no row and lose nothing in ${REQUESTS} requests, ${CONCURRENCY} at a time, while they are evicted`,
    async () => {
      const wrong: string[] = [];
      const answered = { acme: 0, globex: 0 };
      const evictions: Promise<boolean>[] = [];
      let next = 0;
      const client = async (): Promise<void> => {
        while (next < REQUESTS) {
          const n = next++;
          const id = ids[randomInt(ids.length)] as 'acme' | 'globex';
          const { status, body } = await send(id, `${paths[n % paths.length]}?${n}`);
          answered[id] += 1;
          const parts = body.split('; ');
          if (status !== 200 || !parts.every((part) => part.startsWith(`${id} `))) {
            wrong.push(`${id}: ${status} ${body}`);
          }
          if (randomInt(REQUESTS_PER_EVICTION) === 0) {
            evictions.push(world.manager.evict(ids[randomInt(ids.length)] as string));
          }
        }
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, client));
      const evicted = (await Promise.all(evictions)).filter(Boolean).length;
      expect(wrong).toEqual([]);
      expect(server.errors).toEqual([]);
      expect(answered.acme + answered.globex).toBe(REQUESTS);
      expect(Math.min(answered.acme, answered.globex)).toBeGreaterThan(REQUESTS / 4);
      expect(evicted).toBeGreaterThan(REQUESTS / REQUESTS_PER_EVICTION / 4);
      const left = (await world.databases.dump(['house', 'person', 'tag', 'room'])) as Record<string, object>;
      for (const id of ids) {
        const stranger = ids.find((other) => other !== id) as string;
        expect(JSON.stringify(left[id])).not.toContain(stranger);
        expect(left[id]).toMatchObject({ house: expect.arrayContaining([expect.objectContaining({ id: 2 })]) });
      }
      world.assertNothingHeld();
      // Says how many leases, sockets and sessions are left after `close()`, and throws unless each is 0.
      await world[Symbol.asyncDispose]();
    },
    60_000 + REQUESTS * 10,
  );
});
