import { describe, expect, it } from '@jest/globals';
import {
  byDomain,
  byPath,
  bySubdomain,
  type TenancyOptions,
  tenancy,
  trustResolution,
} from '../../../src/koa/index.ts';
import { FakeManager } from '../../support/koa/FakeManager.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';

async function start(options: Partial<TenancyOptions> = {}) {
  const manager = new FakeManager([
    { id: 'acme', database: 'acme', domains: ['acme.com', 'acme.net', 'shop.acme.org'] },
    { id: 'closed', database: 'closed', domains: ['closed.com', 'closed.net'], status: 'suspended' },
    { id: 'busy', database: 'busy', domains: ['busy.com', 'busy.net'], status: 'maintenance' },
    { id: 'calm', database: 'calm', domains: ['calm.com', 'calm.net'], status: 'readonly' },
  ]);
  const middleware = tenancy(manager, {
    resolve: [bySubdomain('example.com'), byPath({ prefix: '/t' }), byDomain()],
    authorize: trustResolution,
    redirectsToPrimaryDomain: true,
    refusalFloorMs: 0,
    ...options,
  });
  const server = await KoaServer.start(middleware, (ctx) => {
    ctx.body = 'here';
  });
  return { manager, server };
}

describe('a request by another domain of the tenant', () => {
  it.each(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'])(
    'is sent to the primary one by 308: %s',
    async (method) => {
      const { manager, server } = await start();
      await using _ = server;
      const answer = await server.send('www.acme.net', '/houses/1?a=%2F%2Fb&c', {}, method);
      expect(answer).toMatchObject({
        status: 308,
        headers: { location: '//acme.com/houses/1?a=%2F%2Fb&c', 'cache-control': 'no-store' },
      });
      expect(manager.acquired).toBe(0);
    },
  );

  it('keeps the port', async () => {
    const { server } = await start();
    await using _ = server;
    expect((await server.send('shop.acme.org:8080', '/')).headers.location).toBe('//acme.com:8080/');
  });

  it.each([
    ['//evil.com/x', '//acme.com//evil.com/x'],
    ['/\\evil.com', '//acme.com/\\evil.com'],
    ['/?next=//evil.com', '//acme.com/?next=//evil.com'],
    ['http://acme.net/x?y', '//acme.com/x?y'],
    ['http://acme.net', '//acme.com/'],
    ['http://acme.net?y', '//acme.com/?y'],
    ['/@evil.com', '//acme.com/@evil.com'],
  ])('leads to no other host with the target %s', async (target, location) => {
    const { server } = await start();
    await using _ = server;
    const answer = await server.sendRaw(`GET ${target} HTTP/1.1`, 'Host: acme.net', 'Connection: close');
    expect(/^Location: (.*)$/m.exec(answer)?.[1]).toBe(location);
    expect(new URL(location, 'http://acme.net').hostname).toBe('acme.com');
  });

  it('is answered there when a proxy forwards it', async () => {
    const { server } = await start({ trustedProxies: { addresses: ['127.0.0.1'] } });
    await using _ = server;
    const { headers } = await server.send('internal:3000', '/x', { 'X-Forwarded-Host': 'acme.net' });
    expect(headers.location).toBe('//acme.com/x');
  });

  it('is not sent on for who may not use the tenant, nor for a tenant that may not be seen or used', async () => {
    const { server } = await start({ authorize: (ctx) => ctx.get('X-User') === 'member' });
    await using _ = server;
    const missing = await server.send('nobody.net');
    expect(missing.status).toBe(404);
    const refused = await server.send('acme.net');
    expect({ ...refused, headers: { ...refused.headers, date: '' } }).toEqual({
      ...missing,
      headers: { ...missing.headers, date: '' },
    });
    const member = { 'X-User': 'member' };
    expect((await server.send('acme.net', '/', member)).status).toBe(308);
    expect((await server.send('closed.net', '/', member)).status).toBe(403);
    expect((await server.send('busy.net', '/', member)).status).toBe(503);
    expect((await server.send('calm.net', '/', member, 'POST')).status).toBe(308);
  });
});

describe('a request that is right where it is', () => {
  it.each<[string, string]>([
    ['acme.com', '/'],
    ['www.acme.com', '/'],
    ['acme.example.com', '/'],
    ['127.0.0.1', '/t/acme'],
    ['acme.net', '/t/acme'],
  ])('is answered: %s%s', async (host, path) => {
    const { server } = await start();
    await using _ = server;
    expect(await server.send(host, path)).toMatchObject({ status: 200, body: 'here' });
  });

  it('came by a domain that its catalogue knows and does not list, as one of a wildcard', async () => {
    const { manager, server } = await start();
    await using _ = server;
    const { catalog } = manager;
    Object.assign(manager, {
      catalog: {
        ...catalog,
        findByDomain: (domain: string) => catalog.findByDomain(domain.replace(/^.*\.wild\.com$/, 'acme.com')),
      },
    });
    expect(await server.send('any.wild.com')).toMatchObject({ status: 200, body: 'here' });
    expect((await server.send('acme.net')).status).toBe(308);
  });

  it('is every request, unless asked for', async () => {
    const { server } = await start({ redirectsToPrimaryDomain: undefined });
    await using _ = server;
    expect((await server.send('acme.net')).body).toBe('here');
  });
});
