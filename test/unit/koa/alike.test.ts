import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { bySubdomain, type TenancyOptions, tenancy } from '../../../src/koa/index.ts';
import { TENANT_STATUSES } from '../../../src/tenant/Tenant.ts';
import { FakeManager } from '../../support/koa/FakeManager.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';

const FLOOR_MS = 20;

async function start(authorize: TenancyOptions['authorize'], options: Partial<TenancyOptions> = {}) {
  const asked: string[] = [];
  const manager = new FakeManager([
    { id: 'acme', database: 'acme' },
    ...TENANT_STATUSES.map((status) => ({ id: `is-${status}`, database: `is_${status}`, status })),
  ]);
  const middleware = tenancy(manager, {
    resolve: bySubdomain('example.com'),
    authorize: (ctx, tenant) => {
      asked.push(tenant.id);
      return authorize(ctx, tenant);
    },
    ...options,
  });
  return { manager, asked, server: await KoaServer.start(middleware) };
}

async function bytesOf(server: KoaServer, id: string, method: string, accept: string): Promise<string> {
  const lines = [`${method} / HTTP/1.1`, `Host: ${id}.example.com`, `Accept: ${accept}`, 'Connection: close'];
  return (await server.sendRaw(...lines)).replace(/^Date: .*$/m, 'Date: now');
}

const OUTSIDERS = ['acme', ...TENANT_STATUSES.map((status) => `is-${status}`)];

describe('a tenant that does not exist, one that is suspended, and one of somebody else', () => {
  it.each(['GET', 'HEAD', 'POST', 'DELETE'])('are the same to the byte for %s', async (method) => {
    const { server } = await start(() => false);
    await using _ = server;
    for (const accept of ['application/json', 'text/html', 'image/png']) {
      const missing = await bytesOf(server, 'nobody', method, accept);
      expect(missing).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
      for (const id of OUTSIDERS) {
        expect(await bytesOf(server, id, method, accept)).toBe(missing);
      }
    }
  });

  it('are each looked up once, and `authorize` is asked whatever the status is', async () => {
    const { manager, asked, server } = await start(() => false);
    await using _ = server;
    for (const id of ['nobody', ...OUTSIDERS]) {
      await server.send(`${id}.example.com`);
    }
    expect(manager.lookUps).toEqual(['nobody', ...OUTSIDERS]);
    expect(asked).toEqual(OUTSIDERS);
    expect(manager.acquired).toBe(0);
  });

  it('are answered no sooner than the floor, whatever `authorize` took below it', async () => {
    const slow: TenancyOptions['authorize'] = async (_ctx, tenant) => {
      // A database is asked.
      await wait(tenant.id === 'acme' ? 10 : 1);
      return false;
    };
    const { server } = await start(slow, { refusalFloorMs: FLOOR_MS });
    await using _ = server;
    for (const id of ['nobody', 'acme', 'is-suspended']) {
      const startedAt = performance.now();
      await server.send(`${id}.example.com`);
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(FLOOR_MS);
    }
  });

  it('are held up in no other case', async () => {
    const { server } = await start(() => true, { refusalFloorMs: 10_000 });
    await using _ = server;
    expect((await server.send('acme.example.com')).status).toBe(404);
    expect((await server.send('a@b')).status).toBe(400);
    expect((await server.send('is-suspended.example.com')).status).toBe(403);
    expect((await server.send('is-maintenance.example.com')).status).toBe(503);
  });

  it.each([-1, Number.NaN, 10_001, '20'])('have no floor of %p', (refusalFloorMs) => {
    const wrong = { resolve: bySubdomain('example.com'), authorize: () => true, refusalFloorMs } as TenancyOptions;
    expect(() => tenancy(new FakeManager([]), wrong)).toThrow(/`refusalFloorMs`/);
  });
});
