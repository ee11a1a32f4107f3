import { describe, expect, it } from '@jest/globals';
import { TenancyConfigurationError } from 'mikro-orm-multitenancy';
import {
  bySubdomain,
  type TenancyHealthOptions,
  tenancy,
  tenancyHealth,
  trustResolution,
} from 'mikro-orm-multitenancy/koa';
import { CentralProxy } from '../../support/central/CentralProxy.ts';
import { CentralWorld } from '../../support/central/CentralWorld.ts';
import { ListeningServer } from '../../support/connections/ListeningServer.ts';
import { serverUrl } from '../../support/databases.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';
import { House, TestTenants, until } from '../../support/manager/TestTenants.ts';
import { freePort } from '../../support/postgres.ts';
import { settlesWithin } from '../../support/settlesWithin.ts';

type Manager = Parameters<typeof tenancyHealth>[0] & Parameters<typeof tenancy>[0];

/** An application behind its health checks. */
function start(manager: Manager, options?: TenancyHealthOptions): Promise<KoaServer> {
  return KoaServer.start(
    tenancyHealth(manager, options),
    tenancy(manager, { resolve: bySubdomain('example.com'), authorize: trustResolution }),
  );
}

const HOST = '10.0.0.1:3000';
const statusOf = async (server: KoaServer, path: string): Promise<number> => (await server.send(HOST, path)).status;

describe('tenancyHealth', () => {
  it('says that the process lives and is ready, whatever the Host, and that nobody is to keep it', async () => {
    await using tenants = await TestTenants.create(['acme']);
    await using server = await start(await tenants.manager());
    for (const [path, status] of [
      ['/health/live', 'live'],
      ['/health/ready', 'ready'],
    ] as const) {
      const { body, ...answer } = await server.send(HOST, path);
      expect(answer).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
      expect(JSON.parse(body)).toEqual({ status });
      expect(await server.send(HOST, path, {}, 'HEAD')).toMatchObject({
        status: 200,
        headers: { 'cache-control': 'no-store' },
        body: '',
      });
    }
  });

  it('lives on but is not ready once the manager closes', async () => {
    await using tenants = await TestTenants.create(['acme']);
    const manager = await tenants.manager();
    await using server = await start(manager);
    await using lease = await manager.acquire('acme');
    const closing = manager.close();
    const { status, headers, body } = await server.send(HOST, '/health/ready');
    expect([status, headers['retry-after'], headers['cache-control']]).toEqual([503, '5', 'no-store']);
    expect(JSON.parse(body)).toEqual({ status: 'not ready' });
    expect(await statusOf(server, '/health/live')).toBe(200);
    lease.release();
    await closing;
    expect(await statusOf(server, '/health/ready')).toBe(503);
    expect(await statusOf(server, '/health/live')).toBe(200);
  });

  it('is not ready while no server takes connections, and ready as long as one does', async () => {
    await using tenants = await TestTenants.create(['acme']);
    const nowhere = new URL(serverUrl());
    nowhere.port = String(await freePort());
    const manager = await tenants.manager({ server: nowhere.href });
    await using server = await start(manager);
    expect(await statusOf(server, '/health/ready')).toBe(200);
    const ask = () => manager.run('acme', (em) => em.count(House)).catch(() => {});
    // The breaker lets one through now and then, so that it has to be met while it keeps everybody away.
    await until(async () => {
      await ask();
      return (await statusOf(server, '/health/ready')) === 503;
    }, 'it is ready without a server');
    // Nobody tries any more, and the time is over for which it was left alone: work may come, and find out.
    await until(async () => (await statusOf(server, '/health/ready')) === 200, 'it stays unready');
    const both = await tenants.manager({
      servers: { default: nowhere.href, other: serverUrl() },
    });
    await using reachable = await start(both);
    for (let n = 0; n < 5; n += 1) {
      await both.run('acme', (em) => em.count(House)).catch(() => {});
    }
    expect(await statusOf(reachable, '/health/ready')).toBe(200);
  });

  it('is ready without the central database only as long as what is known of it may be used', async () => {
    await using world = await CentralWorld.create();
    await using proxy = await CentralProxy.start();
    await using known = await start(await world.manager({ url: proxy.url }));
    await using stale = await start(await world.manager({ url: proxy.url, cache: { staleOnErrorMs: 500 } }));
    await using empty = await start(await world.manager({ url: proxy.url }));
    expect(await statusOf(known, '/health/ready')).toBe(200);
    await until(async () => (await statusOf(stale, '/health/ready')) === 200, 'it is never ready');
    await proxy.down();
    await until(async () => (await statusOf(stale, '/health/ready')) === 503, 'it is ready with what is too old');
    expect(await statusOf(known, '/health/ready')).toBe(200);
    // It never knew anything.
    expect(await statusOf(empty, '/health/ready')).toBe(503);
    await proxy.up();
    await until(async () => (await statusOf(empty, '/health/ready')) === 200, 'it does not find the database again');
    await until(async () => (await statusOf(stale, '/health/ready')) === 200, 'it does not become ready again');
  });

  it('does not wait for a central database that says nothing', async () => {
    await using world = await CentralWorld.create();
    await using silent = await ListeningServer.start(0, () => {});
    const url = new URL(serverUrl());
    url.port = String(silent.port);
    await using server = await start(await world.manager({ url: url.href }), { timeoutMs: 20 });
    const asked = statusOf(server, '/health/ready');
    expect(await settlesWithin(3_000, asked, 'the answer of a process whose central database says nothing')).toBe(503);
  });

  it('shows details to those who may see them, and nothing at all to others', async () => {
    await using tenants = await TestTenants.create(['acme']);
    const manager = await tenants.manager();
    await manager.run('acme', (em) => em.count(House));
    await using server = await start(manager, {
      path: '/internal/health',
      authorize: async (ctx) => ctx.get('authorization') === 'Bearer operator',
    });
    const details = await server.send(HOST, '/internal/health', { authorization: 'Bearer operator' });
    expect(details).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
    expect(JSON.parse(details.body)).toMatchObject({
      status: 'ready',
      reasons: [],
      handles: { open: 1 },
      servers: { default: { breakers: { primary: 'closed' }, requests: { idle: 1, waiting: 0 } } },
    });
    const nobody = await server.send('acme.example.com', '/internal/nobody');
    for (const authorization of ['Bearer somebody', '']) {
      const refused = await server.send('acme.example.com', '/internal/health', { authorization });
      expect([refused.status, refused.body]).toEqual([nobody.status, nobody.body]);
    }
    for (const { body } of [details, await server.send(HOST, '/internal/health/ready')]) {
      expect(body).not.toMatch(/acme|password|postgresql:/);
    }
  });

  it('shows details to nobody where nobody was named, and answers other methods and paths not at all', async () => {
    await using tenants = await TestTenants.create(['acme']);
    await using server = await start(await tenants.manager());
    expect(await statusOf(server, '/health')).toBe(404);
    expect(await statusOf(server, '/health/live/')).toBe(404);
    expect((await server.send(HOST, '/health/live', {}, 'POST')).status).toBe(404);
  });

  it.each([
    [{ path: 'health' }],
    [{ path: '/health/' }],
    [{ path: '/health/*' }],
    [{ authorize: true as never }],
    [{ timeoutMs: 0 }],
  ])('refuses %j', async (options) => {
    await using tenants = await TestTenants.create([]);
    const manager = await tenants.manager();
    expect(() => tenancyHealth(manager, options)).toThrow(TenancyConfigurationError);
  });
});
