import { once } from 'node:events';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { RequestContext } from '@mikro-orm/core';
import { currentTenant } from 'mikro-orm-multitenancy';
import { bySubdomain, trustResolution } from 'mikro-orm-multitenancy/koa';
import { serverUrl } from '../support/databases.ts';
import type { DoorAdapter, DoorCall, DoorReply } from '../support/http/DoorAdapter.ts';
import { expressDoor } from '../support/http/expressDoor.ts';
import { fastifyDoor } from '../support/http/fastifyDoor.ts';
import { honoDoor } from '../support/http/honoDoor.ts';
import type { TestServer } from '../support/http/TestServer.ts';
import { House } from '../support/isolation/entities.ts';
import { tenantReached } from '../support/isolation/reached.ts';
import { TenantWorld } from '../support/isolation/TenantWorld.ts';
import { until } from '../support/manager/TestTenants.ts';

/** Koa's are in a test of their own, and those of NestJS with what it injects. */
const doors: readonly (readonly [string, DoorAdapter<never>])[] = [
  ['Express', expressDoor as unknown as DoorAdapter<never>],
  ['Fastify', fastifyDoor as unknown as DoorAdapter<never>],
  ['Hono', honoDoor as unknown as DoorAdapter<never>],
];
const ids = ['acme', 'globex'] as const;
const REQUESTS = 400;
const CONCURRENCY = 64;

describe.each(doors)('two tenants with equal primary keys behind %s', (_name, door) => {
  let world: TenantWorld;
  let server: TestServer;
  const late: Promise<string>[] = [];

  /** What each path does with the house that has the same key in both tenants; all answer with its address. */
  const handlers: Readonly<Record<string, (call: DoorCall) => Promise<DoorReply>>> = {
    '/request-context': async () => {
      const house = await RequestContext.getEntityManager()?.findOneOrFail(House, 1);
      return { body: house?.address ?? '' };
    },
    '/change': async ({ tenant }) => {
      const body = await world.manager.em.transactional(async (em) => {
        const house = await em.findOneOrFail(House, 2);
        house.address = `${tenant?.id} house, changed`;
        await em.flush();
        return house.address;
      });
      return { body };
    },
    '/other-tenant': async ({ tenant }) => {
      const other = ids.find((id) => id !== tenant?.id) ?? '';
      const seen = await world.manager.run(other, (em) => em.findOneOrFail(House, 1));
      const own = await world.manager.em.findOneOrFail(House, 1);
      return { body: seen.address.startsWith(other) ? own.address : `${seen.address} was found in ${other}` };
    },
    '/stream': async () => {
      async function* addresses() {
        for (const id of [1, 1, 1]) {
          const { address } = await world.manager.em.fork().findOneOrFail(House, id);
          yield `${address}; `;
        }
      }
      return { body: Readable.from(addresses()) };
    },
    '/late': async ({ res }) => {
      const { address } = await world.manager.em.findOneOrFail(House, 1);
      const afterwards = once(res, 'close').then(
        async () => `${currentTenant()?.id} ${await tenantReached(world.manager.em)}`,
      );
      late.push(afterwards);
      return { body: address };
    },
  };

  beforeAll(async () => {
    // On a slow machine a request may wait longer than it would be let in production; that is no error here.
    const limits = { maxWaitingPerTenant: 4 * CONCURRENCY, acquireTimeoutMs: 60_000 };
    world = await TenantWorld.create({
      ids,
      orm: { debug: false },
      manager: { server: { url: serverUrl(), ...limits } },
    });
    server = await door.start({
      manager: world.manager,
      options: { resolve: bySubdomain('example.com'), authorize: trustResolution },
      handler: async (call) => (await handlers[call.path]?.(call)) ?? { status: 404 },
    });
  });
  afterEach(() => until(async () => world.manager.stats().leases === 0, 'a lease is left'));
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  it(`cross no row in ${REQUESTS} requests, ${CONCURRENCY} at a time, nor in what these leave behind`, async () => {
    const paths = Object.keys(handlers);
    const wrong: string[] = [];
    let next = 0;
    const client = async (): Promise<void> => {
      while (next < REQUESTS) {
        const n = next++;
        const id = ids[n % ids.length] ?? '';
        const path = paths[Math.floor(n / ids.length) % paths.length] ?? '';
        const { status, body } = await server.send(`${id}.example.com`, path);
        const parts = body.split('; ').filter((part) => part !== '');
        if (status !== 200 || parts.length === 0 || !parts.every((part) => part.startsWith(`${id} `))) {
          wrong.push(`${id} ${path}: ${status} ${body}`);
        }
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, client));
    expect(wrong).toEqual([]);
    expect(server.errors).toEqual([]);
    const afterwards = await Promise.all(late);
    expect(afterwards).toHaveLength(REQUESTS / paths.length);
    expect(new Set(afterwards)).toEqual(new Set(ids.map((id) => `${id} ${id}`)));
  }, 120_000);
});
