import { describe, expect, it } from '@jest/globals';
import type { Middleware } from 'koa';
import {
  byDomain,
  byHeader,
  bySubdomain,
  type KoaTenantRequest,
  type TenancyOptions,
  tenancy,
  trustResolution,
} from '../../../src/koa/index.ts';
import { FakeManager } from '../../support/koa/FakeManager.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';

async function start(trustedProxies: TenancyOptions['trustedProxies'], resolve?: TenancyOptions['resolve']) {
  const manager = new FakeManager([
    { id: 'acme', database: 'acme', domains: ['acme.com'] },
    { id: 'globex', database: 'globex', domains: ['globex.com'] },
  ]);
  const middleware = tenancy(manager, {
    resolve: resolve ?? [bySubdomain('example.com'), byDomain()],
    authorize: trustResolution,
    trustedProxies,
    refusalFloorMs: 0,
  });
  const show: Middleware = (ctx) => {
    ctx.body = ctx.state['tenant'].id;
  };
  const server = await KoaServer.start(middleware, show);
  return { manager, server };
}

const LOCAL = { addresses: ['127.0.0.0/8'] };
const ELSEWHERE = { addresses: ['10.0.0.0/8'] };

describe('X-Forwarded-Host', () => {
  it('names the tenant when it comes from a trusted address', async () => {
    const { server } = await start(LOCAL);
    await using _ = server;
    expect((await server.send('internal', '/', { 'X-Forwarded-Host': 'acme.com' })).body).toBe('acme');
    expect((await server.send('globex.com', '/', { 'X-Forwarded-Host': 'evil.com, acme.com:443' })).body).toBe('acme');
    expect((await server.send('globex.com')).body).toBe('globex');
  });

  it.each([undefined, ELSEWHERE])('is ignored from any other, with trustedProxies %j', async (trustedProxies) => {
    const { server } = await start(trustedProxies);
    await using _ = server;
    for (const value of ['acme.com', 'a@b', 'x, y']) {
      expect((await server.send('globex.com', '/', { 'X-Forwarded-Host': value })).body).toBe('globex');
    }
  });

  it.each(['a@b', '', 'acme.com,', 'acme.com:0', 'acme.com acme.com'])('is refused when it is %j', async (value) => {
    const { manager, server } = await start(LOCAL);
    await using _ = server;
    expect((await server.send('globex.com', '/', { 'X-Forwarded-Host': value })).status).toBe(400);
    expect(manager.acquired).toBe(0);
  });

  it('does not make good a malformed host in the request line, after which the path cannot be read', async () => {
    const { server } = await start(LOCAL);
    await using _ = server;
    const lines = ['Host: x', 'X-Forwarded-Host: acme.com', 'Connection: close'];
    expect(await server.sendRaw('GET http://[::1]./x HTTP/1.1', ...lines)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await server.sendRaw('GET http://y/x HTTP/1.1', ...lines)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('does not count where the proxies write Forwarded, and the other way round', async () => {
    const { server } = await start({ ...LOCAL, headers: 'forwarded' });
    await using _ = server;
    const headers = { 'X-Forwarded-Host': 'acme.com', Forwarded: 'for=203.0.113.5;host=globex.com' };
    expect((await server.send('internal', '/', headers)).body).toBe('globex');
    const { server: other } = await start(LOCAL);
    await using __ = other;
    expect((await other.send('internal', '/', headers)).body).toBe('acme');
  });
});

describe('a malformed Forwarded', () => {
  it('is refused from a trusted address, and ignored from any other', async () => {
    const { server } = await start({ ...LOCAL, headers: 'forwarded' });
    await using _ = server;
    expect((await server.send('acme.com', '/', { Forwarded: 'host="acme.com' })).status).toBe(400);
    const { server: other } = await start({ ...ELSEWHERE, headers: 'forwarded' });
    await using __ = other;
    expect((await other.send('acme.com', '/', { Forwarded: 'host="acme.com' })).body).toBe('acme');
  });
});

describe('a source that is trusted from proxies', () => {
  const resolve = [byHeader('X-Tenant', { trusted: 'proxy' }), byDomain()];

  it('names the tenant where the connection is from one, and nothing elsewhere', async () => {
    const { server } = await start(LOCAL, resolve);
    await using _ = server;
    expect((await server.send('127.0.0.1', '/', { 'X-Tenant': 'acme' })).body).toBe('acme');
    for (const trustedProxies of [undefined, ELSEWHERE]) {
      const { server: other } = await start(trustedProxies, resolve);
      await using __ = other;
      expect((await other.send('globex.com', '/', { 'X-Tenant': 'acme' })).body).toBe('globex');
      expect((await other.send('127.0.0.1', '/', { 'X-Tenant': 'acme' })).status).toBe(404);
    }
  });
});

describe('the address of the client', () => {
  it.each<[string, TenancyOptions['trustedProxies'], string | undefined]>([
    ['the connection’s without proxies', undefined, '127.0.0.1'],
    ['the connection’s where that is no proxy', ELSEWHERE, '127.0.0.1'],
    ['the forwarded one', LOCAL, '203.0.113.5'],
    ['the one of Forwarded', { ...LOCAL, headers: 'forwarded' }, '198.51.100.7'],
  ])('is %s', async (_case, trustedProxies, address) => {
    const seen: (string | undefined)[] = [];
    const { server } = await start(trustedProxies, (request: KoaTenantRequest) => {
      seen.push(request.clientAddress);
      return { by: 'id', id: 'acme' };
    });
    await using _ = server;
    const headers = { 'X-Forwarded-For': '1.1.1.1, 203.0.113.5, 127.0.0.2', Forwarded: 'for=198.51.100.7' };
    await server.send('x', '/', headers);
    expect(seen).toEqual([address]);
  });
});
