import { describe, expect, it } from '@jest/globals';
import type { Middleware } from 'koa';
import { byPath, tenancy, trustResolution } from '../../../src/koa/index.ts';
import { FakeManager } from '../../support/koa/FakeManager.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';

async function start(handler: Middleware, before: Middleware = (_ctx, next) => next()) {
  const manager = new FakeManager([{ id: 'acme', database: 'acme' }]);
  const middleware = tenancy(manager, { resolve: byPath({ prefix: '/t' }), authorize: trustResolution });
  return { manager, server: await KoaServer.start(before, middleware, handler) };
}

const show: Middleware = (ctx) => {
  const { path, url, search, originalUrl, state } = ctx;
  ctx.body = { path, url, search, query: { ...ctx.query }, originalUrl, tenantPath: state['tenantPath'] };
};

describe('byPath in Koa', () => {
  it('gives the handler the path below the tenant, and keeps the query and the original URL', async () => {
    const { server } = await start(show);
    await using _ = server;
    expect(JSON.parse((await server.send('x', '/t/acme/houses/1?a=1&b=%2F?')).body)).toEqual({
      path: '/houses/1',
      url: '/houses/1?a=1&b=%2F?',
      search: '?a=1&b=%2F?',
      query: { a: '1', b: '/?' },
      originalUrl: '/t/acme/houses/1?a=1&b=%2F?',
      tenantPath: '/t/acme',
    });
  });

  it.each([
    ['/t/acme', '/'],
    ['/t/acme/', '/'],
    ['/t/acme?q=/t/globex', '/'],
    ['/t/acme/t/acme', '/t/acme'],
    ['/t/acme/caf%C3%A9', '/caf%C3%A9'],
  ])('makes %s the path %s, under the tenant path /t/acme', async (url, path) => {
    const { server } = await start(show);
    await using _ = server;
    expect(JSON.parse((await server.send('x', url)).body)).toMatchObject({ path, tenantPath: '/t/acme' });
  });

  it.each<[string, Middleware]>([
    ['never looks at it', () => {}],
    ['reads it', (ctx) => void ctx.path],
    [
      'changes it',
      (ctx) => {
        ctx.path = '/elsewhere';
      },
    ],
    [
      'throws',
      (ctx) => {
        void ctx.path;
        throw new Error('broken');
      },
    ],
  ])('puts the path back after a handler that %s', async (_case, handler) => {
    const seen: unknown[] = [];
    const { server } = await start(handler, async (ctx, next) => {
      try {
        await next();
      } catch {
        ctx.status = 500;
      }
      seen.push(ctx.path, ctx.url, ctx.querystring, ctx.originalUrl);
    });
    await using _ = server;
    await server.send('x', '/t/acme/houses?a=1');
    expect(seen).toEqual(['/t/acme/houses', '/t/acme/houses?a=1', 'a=1', '/t/acme/houses?a=1']);
  });

  it('rewrites the absolute form of a request line to a path', async () => {
    const { server } = await start(show);
    await using _ = server;
    const answer = await server.sendRaw('GET http://x/t/acme/houses?a=1 HTTP/1.1', 'Host: x', 'Connection: close');
    expect(answer).toContain('"path":"/houses","url":"/houses?a=1"');
  });

  it.each([
    '/t/acme/../globex',
    '/t/acme/%2e%2e/globex',
    '/t/acme%2Fx',
    '/t//acme',
    '/t/acme//evil.com',
    '/t/ACME',
    '/t/acme/%zz',
    '/t/acme#',
    '/t\\acme#/x',
    '/#/t/acme',
  ])('refuses %s with 400', async (path) => {
    const { manager, server } = await start(show);
    await using _ = server;
    expect(await server.sendRaw(`GET ${path} HTTP/1.1`, 'Host: x', 'Connection: close')).toMatch(/^HTTP\/1\.1 400 /);
    expect(manager.acquired).toBe(0);
  });

  it.each(['/', '/houses', '/t', '/t/', '/t/nobody/houses'])('answers 404 to %s', async (path) => {
    const { server } = await start(show);
    await using _ = server;
    expect((await server.send('x', path)).status).toBe(404);
  });

  it.each([
    ['OPTIONS * HTTP/1.1', 404],
    ['GET http://[::1 HTTP/1.1', 400],
    ['GET http://[::1]./t/acme HTTP/1.1', 400],
    ['GET http:/// HTTP/1.1', 404],
  ])('refuses %j, which has no path to read a tenant from, with %d', async (line, status) => {
    const { manager, server } = await start(show);
    await using _ = server;
    expect(await server.sendRaw(line, 'Host: x', 'Connection: close')).toMatch(`HTTP/1.1 ${status} `);
    expect(manager.acquired).toBe(0);
  });
});
