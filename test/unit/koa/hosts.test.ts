import { once } from 'node:events';
import { connect, createServer, type Http2Server, type IncomingHttpHeaders } from 'node:http2';
import { type AddressInfo, connect as connectSocket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { byDomain, bySubdomain, tenancy, trustResolution } from '../../../src/koa/index.ts';
import { FakeManager } from '../../support/koa/FakeManager.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';

async function start() {
  const manager = new FakeManager([
    { id: 'acme', database: 'acme', domains: ['acme.com'] },
    { id: 'globex', database: 'globex', domains: ['globex.com'] },
  ]);
  const middleware = tenancy(manager, {
    resolve: [bySubdomain('example.com'), byDomain()],
    authorize: trustResolution,
  });
  const server = await KoaServer.start(middleware, (ctx) => {
    ctx.body = `tenant ${ctx.state['tenant'].id} ${ctx.path}`;
  });
  return { manager, server };
}

const GET = 'GET / HTTP/1.1';
const CLOSE = 'Connection: close';

describe('the host of a request', () => {
  it.each(['Host: acme.example.com', 'host:acme.example.com', 'HOST: \t ACME.Example.Com.:8080 \t'])(
    'names the tenant with %j',
    async (line) => {
      const { server } = await start();
      await using _ = server;
      expect(await server.sendRaw(GET, line, CLOSE)).toContain('tenant acme /');
    },
  );

  it.each<[string, readonly string[]]>([
    ['a second Host line', ['Host: acme.example.com', 'Host: globex.example.com']],
    ['the same Host line twice', ['Host: acme.example.com', 'Host: acme.example.com']],
    ['a second Host line after others', ['Host: acme.example.com', 'X-A: b', 'hOST: globex.example.com']],
    ['a comma list', ['Host: acme.example.com, globex.example.com']],
    ['a tab', ['Host: acme.example.com\tglobex.example.com']],
    ['user information', ['Host: globex@acme.example.com']],
    ['port 0', ['Host: acme.example.com:0']],
    ['port 99999', ['Host: acme.example.com:99999']],
    ['an empty port', ['Host: acme.example.com:']],
    ['two trailing dots', ['Host: acme.example.com..']],
    ['letters beyond ASCII', ['Host: acm\u00e9.example.com']],
    ['no value', ['Host:']],
  ])('is refused with 400 for %s', async (_case, lines) => {
    const { manager, server } = await start();
    await using _ = server;
    const answer = await server.sendRaw(GET, ...lines, CLOSE);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain('BAD_TENANT_REQUEST');
    expect(manager.refusals).toEqual([{ code: 'BAD_TENANT_REQUEST', tenantId: undefined }]);
    expect(manager.acquired).toBe(0);
  });

  it('is refused with 400 where HTTP/1.0 leaves it out', async () => {
    const { server } = await start();
    await using _ = server;
    expect(await server.sendRaw('GET / HTTP/1.0')).toContain('BAD_TENANT_REQUEST');
  });

  it('shifts no label with a trailing dot', async () => {
    const { server } = await start();
    await using _ = server;
    expect(await server.sendRaw(GET, 'Host: globex.acme.example.com.', CLOSE)).toMatch(/^HTTP\/1\.1 404 /);
  });

  it.each(['127.0.0.1:3000', '[::1]:3000', 'example.com', 'www.example.com'])(
    'names no tenant with %s',
    async (host) => {
      const { server } = await start();
      await using _ = server;
      expect(await server.sendRaw(GET, `Host: ${host}`, CLOSE)).toMatch(/^HTTP\/1\.1 404 /);
    },
  );

  it.each([false, true])('is never a forwarded one, with app.proxy = %p', async (proxy) => {
    const { server } = await start();
    await using _ = server;
    server.app.proxy = proxy;
    const headers = { 'X-Forwarded-Host': 'globex.example.com', Forwarded: 'host=globex.example.com' };
    expect((await server.send('acme.example.com', '/', headers)).body).toBe('tenant acme /');
  });

  it('may stand in the request line as well, when it is the same', async () => {
    const { server } = await start();
    await using _ = server;
    const line = 'GET http://acme.example.com/houses?a=1 HTTP/1.1';
    expect(await server.sendRaw(line, 'Host: acme.example.com', CLOSE)).toContain('tenant acme /houses');
  });

  it.each(['http://globex.example.com/', 'http://globex.example.com', 'HTTP://globex@acme.example.com/', 'http:///x'])(
    'is refused when the request line has another: %s',
    async (target) => {
      const { manager, server } = await start();
      await using _ = server;
      expect(await server.sendRaw(`GET ${target} HTTP/1.1`, 'Host: acme.example.com', CLOSE)).toMatch(
        /^HTTP\/1\.1 400 /,
      );
      expect(manager.acquired).toBe(0);
    },
  );
});

describe('the host of an HTTP/2 request', () => {
  it.each<[string, Record<string, string>, number, string]>([
    [':authority', { ':authority': 'acme.example.com' }, 200, 'tenant acme /'],
    [':authority with a port', { ':authority': 'ACME.example.com:8443' }, 200, 'tenant acme /'],
    ['a Host header alone', { host: 'globex.com' }, 200, 'tenant globex /'],
    [':authority and the same Host', { ':authority': 'acme.com', host: 'acme.com' }, 200, 'tenant acme /'],
    [':authority and another Host', { ':authority': 'acme.com', host: 'globex.com' }, 400, 'BAD_TENANT_REQUEST'],
    ['a malformed :authority', { ':authority': 'acme.com,globex.com' }, 400, 'BAD_TENANT_REQUEST'],
  ])('is taken from %s', async (_case, headers, status, body) => {
    const { manager, server } = await start();
    await using _ = server;
    const http2 = createServer(server.app.callback());
    const answer = await sendHttp2(http2, headers);
    expect(answer).toEqual({ status, body: expect.stringContaining(body) });
    await manager.allReleased();
    expect(manager.acquired).toBe(status === 200 ? 1 : 0);
    expect(server.errors).toEqual([]);
  });
});

async function sendHttp2(server: Http2Server, headers: Record<string, string>) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const session = connect('http://unused', { createConnection: () => connectSocket(port, '127.0.0.1') });
  const stream = session.request({ ':path': '/', ...headers });
  const [received] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status'?: number }];
  const body = await text(stream);
  session.close();
  server.close();
  await once(server, 'close');
  return { status: received[':status'], body };
}
