import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RequestContext } from '@mikro-orm/core';
import type { Context } from 'koa';
import { TenantConflictError, TenantDomains } from 'mikro-orm-multitenancy';
import { byDomain, tenancy, trustResolution } from 'mikro-orm-multitenancy/koa';
import { CentralWorld } from '../../support/central/CentralWorld.ts';
import { Customer, type CustomerManager } from '../../support/central/customers.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';
import { House } from '../../support/manager/TestTenants.ts';

describe('a domain of a tenant in the central database', () => {
  let world: CentralWorld;
  let manager: CustomerManager;
  let server: KoaServer;
  let domains: TenantDomains;
  const dns = new Map<string, string>();

  beforeAll(async () => {
    world = await CentralWorld.create();
    manager = await world.manager();
    for (const id of ['acme', 'globex']) {
      await manager.central.tenants.create({ id, database: await world.tenantDatabase(id) });
    }
    domains = new TenantDomains({
      store: manager.central.tenants,
      secrets: ['a secret of at least thirty-two characters'],
      resolver: () => ({ resolveTxt: async (name) => [[dns.get(name) ?? '']] }),
    });
    const middleware = tenancy(manager, {
      resolve: byDomain({ ignore: ['example.com'] }),
      authorize: trustResolution,
      mode: { '/': 'either', '/admin/*': 'central' },
      redirectsToPrimaryDomain: true,
      refusalFloorMs: 0,
    });
    server = await KoaServer.start(middleware, async (ctx: Context) => {
      const em = RequestContext.getEntityManager();
      const central = RequestContext.getEntityManager('central');
      ctx.body = {
        tenant: ctx.state['tenant']?.id,
        houses: await em?.count(House),
        customers: await central?.count(Customer),
      };
    });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  const show = (tenantId: string, domain: string) => {
    const { name, value } = domains.challengeOf(tenantId, domain);
    dns.set(name, value);
  };

  it('leads to no tenant until its record is found, and then at once', async () => {
    await domains.addDomain('acme', 'acme.com');
    expect((await server.send('acme.com', '/x')).status).toBe(404);
    expect(await domains.verifyDomain('acme', 'acme.com')).toMatchObject({ is: 'missing' });
    expect((await server.send('acme.com', '/x')).status).toBe(404);
    show('acme', 'acme.com');
    expect(await domains.verifyDomain('acme', 'acme.com')).toMatchObject({
      is: 'verified',
      tenant: { id: 'acme', domains: ['acme.com'] },
    });
    expect(JSON.parse((await server.send('www.acme.com', '/x')).body)).toEqual({
      tenant: 'acme',
      houses: 0,
      customers: 2,
    });
  });

  it('goes to who has its DNS, whoever asked first, and stays there', async () => {
    await domains.addDomain('globex', 'wanted.com');
    await domains.addDomain('acme', 'wanted.com');
    show('acme', 'wanted.com');
    expect(await domains.verifyDomain('acme', 'wanted.com')).toMatchObject({ is: 'verified', tenant: { id: 'acme' } });
    show('globex', 'wanted.com');
    await expect(domains.verifyDomain('globex', 'wanted.com')).rejects.toThrow(TenantConflictError);
    await expect(domains.addDomain('globex', 'wanted.com')).rejects.toThrow(TenantConflictError);
  });

  it('is sent on to the primary one, also after that is another', async () => {
    show('globex', 'globex.com');
    show('globex', 'globex.net');
    await domains.verifyDomain('globex', 'globex.com');
    await domains.verifyDomain('globex', 'globex.net');
    expect((await server.send('globex.net', '/x?y')).headers.location).toBe('//globex.com/x?y');
    await manager.central.tenants.setPrimaryDomain('globex', 'globex.net');
    expect((await server.send('globex.com', '/x?y')).headers.location).toBe('//globex.net/x?y');
    expect((await server.send('globex.net', '/x')).status).toBe(200);
  });

  it('is never sent on to one that is not verified, be it the primary one', async () => {
    await manager.central.tenants.addDomain('globex', 'unproven.com', { isPrimary: true });
    // Of those that are left the first by name is the primary one.
    expect((await server.send('globex.net', '/x')).headers.location).toBe('//globex.com/x');
    expect((await server.send('globex.com', '/x')).status).toBe(200);
    expect((await server.send('unproven.com', '/x')).status).toBe(404);
  });

  it('is not needed where a route has no tenant; the central database is there', async () => {
    expect(JSON.parse((await server.send('example.com', '/')).body)).toEqual({ customers: 2 });
    expect(JSON.parse((await server.send('nobody.com', '/admin/x')).body)).toEqual({ customers: 2 });
    expect((await server.send('nobody.com', '/')).status).toBe(404);
  });
});
