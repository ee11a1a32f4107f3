import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RequestContext } from '@mikro-orm/core';
import { byHeader, tenancy, trustResolution } from 'mikro-orm-multitenancy/koa';
import { serverUrl } from '../../support/databases.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';
import { House, TestTenants, until } from '../../support/manager/TestTenants.ts';

describe('a client that hangs up', () => {
  let tenants: TestTenants;
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme']);
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  it('leaves the queue for a connection, without an error that nobody can use', async () => {
    const manager = await tenants.manager({
      server: { url: serverUrl(), maxConnectionsPerTenant: 1, acquireTimeoutMs: 60_000 },
    });
    const requests = () => manager.stats().servers['default']?.requests;
    const held = Promise.withResolvers<void>();
    const holder = manager.run('acme', (em) =>
      em.transactional(async (tx) => {
        await tx.count(House);
        await held.promise;
      }),
    );
    await until(async () => requests()?.inUse === 1, 'nobody holds the connection');
    const seen: unknown[] = [];
    await using server = await KoaServer.start(
      tenancy(manager, { resolve: byHeader('x-tenant', { trusted: true }), authorize: trustResolution }),
      async (ctx) => {
        try {
          ctx.body = { count: await RequestContext.getEntityManager()?.count(House) };
        } catch (error) {
          seen.push(error);
          throw error;
        }
      },
    );
    const [patient, leaving] = [1, 2].map(() => server.open('acme.test', '/', { 'x-tenant': 'acme' }));
    const answered = new Promise((resolve) => {
      patient?.on('response', (response) => resolve(response.resume().statusCode));
    });
    leaving?.on('error', () => {});
    await until(async () => requests()?.waiting === 2, 'the requests do not wait');
    leaving?.destroy();
    await until(async () => requests()?.waiting === 1, 'the queue is as long as before');
    await until(async () => seen.length === 1, 'the handler is not told');
    expect(seen).toEqual([expect.objectContaining({ code: 'CLIENT_GONE' })]);
    held.resolve();
    await holder;
    expect(await answered).toBe(200);
    expect(server.errors).toEqual([]);
    await until(async () => manager.stats().leases === 0, 'a lease is left');
    await manager.close();
  });
});
