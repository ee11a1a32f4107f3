import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RequestContext } from '@mikro-orm/core';
import type { Context } from 'koa';
import { bySubdomain, tenancy } from 'mikro-orm-multitenancy/koa';
import { CentralWorld } from '../../support/central/CentralWorld.ts';
import { type CustomerManager, Plan } from '../../support/central/customers.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';
import { House } from '../../support/manager/TestTenants.ts';

describe('a request', () => {
  let world: CentralWorld;
  let manager: CustomerManager;
  let server: KoaServer;
  beforeAll(async () => {
    world = await CentralWorld.create();
    manager = await world.manager();
    await manager.central.tenants.create({ id: 'acme', database: await world.tenantDatabase('acme'), tier: 'gold' });
    await manager.central.run((em) => em.insert(Plan, { name: 'gold' }));
    const tenants = tenancy(manager, {
      resolve: bySubdomain('example.com'),
      authorize: (_ctx, { tier }) => tier === 'gold',
      exempt: ['/plans'],
    });
    server = await KoaServer.start(
      (ctx, next) => (ctx.path === '/plans' ? manager.central.run(next) : next()),
      tenants,
      async (ctx: Context) => {
        const central = RequestContext.getEntityManager('central');
        const tenant = RequestContext.getEntityManager();
        ctx.body = {
          plans: await central?.count(Plan, { name: ctx.path === '/plans' ? 'gold' : ctx.state.tenant.tier }),
          houses: await tenant?.count(House),
        };
      },
    );
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  const get = async (host: string, path = '/') => {
    const { status, headers, body } = await server.send(host, path, { accept: 'application/json' });
    return { status, retryAfter: headers['retry-after'], body: JSON.parse(body) };
  };

  it('of a tenant has both databases, and a public one the central database', async () => {
    expect(await get('acme.example.com')).toMatchObject({ status: 200, body: { plans: 1, houses: 0 } });
    expect(await get('example.com', '/plans')).toMatchObject({ status: 200, body: { plans: 1 } });
    expect((await get('example.com', '/plans')).body).not.toHaveProperty('houses');
  });

  it('of a tenant whose status changes is answered by it at once', async () => {
    const answers: Record<string, number> = {};
    for (const status of ['suspended', 'maintenance', 'provisioning', 'archived', 'failed', 'active'] as const) {
      await manager.central.tenants.setStatus('acme', status);
      const answer = await get('acme.example.com');
      answers[status] = answer.status;
      expect(answer.retryAfter).toBe(answer.status === 503 ? '30' : undefined);
    }
    expect(answers).toEqual({
      ...{ suspended: 403, maintenance: 503, provisioning: 503, archived: 404, failed: 404, active: 200 },
    });
  });
});
