import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/core';
import Koa, { type Middleware } from 'koa';
import { currentTenant, StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { bySubdomain, tenancy, trustResolution } from 'mikro-orm-multitenancy/koa';
import { createDatabase, dropDatabase, serverUrl, sessionsIn, uniqueName } from '../../support/databases.ts';
import { until } from '../../support/manager/TestTenants.ts';

const House = defineEntity({ name: 'House', properties: { id: p.integer().primary(), address: p.string() } });
const databases = { acme: uniqueName('streams_acme'), globex: uniqueName('streams_globex') };

async function withApp(handler: Middleware, use: (port: number, manager: TenantOrmManager) => Promise<void>) {
  const manager = await TenantOrmManager.init({
    orm: { entities: [House] },
    server: serverUrl(),
    catalog: new StaticCatalog(Object.entries(databases).map(([id, database]) => ({ id, database }))),
  });
  const app = new Koa();
  app.silent = true; // a client that hangs up is no error here
  app.use(tenancy(manager, { resolve: bySubdomain('localhost'), authorize: trustResolution }));
  app.use((ctx, next) => handler(ctx, next));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await use((server.address() as AddressInfo).port, manager);
    expect(manager.stats().leases).toBe(0);
  } finally {
    server.close();
    await manager.close();
  }
  // The server ends a session a moment after its client is gone.
  await until(async () => (await sessionsIn(Object.values(databases))) === 0, 'a session is left');
}

async function open(port: number, tenant: string): Promise<IncomingMessage> {
  const request = get({ port, host: '127.0.0.1', agent: false, headers: { host: `${tenant}.localhost` } });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

describe('a body stream', () => {
  beforeAll(async () => {
    for (const [id, database] of Object.entries(databases)) {
      const rows = Array.from({ length: 50 }, (_, index) => `('${id} ${index + 1}')`);
      await createDatabase(database, [
        'create table house (id serial primary key, address text not null)',
        `insert into house (address) values ${rows.join(', ')}`,
      ]);
    }
  });
  afterAll(async () => {
    await Promise.all(Object.values(databases).map(dropDatabase));
  });

  it('runs its generator as the tenant of the request, to the end', async () => {
    let manager: TenantOrmManager | undefined;
    async function* addresses() {
      for (let id = 1; id <= 50; id += 1) {
        const house = await manager?.em.findOneOrFail(House, id);
        yield `${currentTenant()?.id}: ${house?.address}\n`;
      }
    }
    const handler: Middleware = (ctx) => {
      ctx.body = Readable.from(addresses());
    };
    await withApp(handler, async (port, opened) => {
      manager = opened;
      const bodies = await Promise.all(['acme', 'globex', 'acme'].map(async (id) => text(await open(port, id))));
      for (const [index, id] of ['acme', 'globex', 'acme'].entries()) {
        const expected = Array.from({ length: 50 }, (_, row) => `${id}: ${id} ${row + 1}\n`).join('');
        expect(bodies[index]).toBe(expected);
      }
    });
  });

  it('holds the tenant until it has been sent, and streams rows of its database', async () => {
    let manager: TenantOrmManager | undefined;
    const handler: Middleware = (ctx) => {
      const rows = async function* () {
        for await (const house of manager?.em.stream(House) ?? []) {
          yield `${manager?.stats().leases} ${house.address}\n`;
        }
      };
      ctx.body = Readable.from(rows());
    };
    await withApp(handler, async (port, opened) => {
      manager = opened;
      const lines = (await text(await open(port, 'globex'))).trimEnd().split('\n');
      expect(lines).toHaveLength(50);
      expect(lines.every((line) => line.startsWith('1 globex '))).toBe(true);
    });
  });

  it('ends its generator as the tenant when the client hangs up, and lets the tenant go', async () => {
    const ended = Promise.withResolvers<string | undefined>();
    async function* endless() {
      try {
        for (;;) {
          yield `${currentTenant()?.id}\n`.repeat(1_000);
        }
      } finally {
        ended.resolve(currentTenant()?.id);
      }
    }
    const handler: Middleware = (ctx) => {
      ctx.body = Readable.from(endless());
    };
    await withApp(handler, async (port, manager) => {
      const response = await open(port, 'acme');
      await once(response, 'data');
      response.destroy();
      expect(await ended.promise).toBe('acme');
      await manager.evict('acme');
    });
  });
});
