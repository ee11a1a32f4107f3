import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import type { Middleware } from 'koa';
import {
  BadTenantRequestError,
  ConnectionBudgetExceededError,
  LeaseReleasedError,
  ManagerClosedError,
  TenancyConfigurationError,
  type TenancyError,
  TenantBehindError,
  TenantClosedError,
  TenantConnectionError,
  TenantDatabaseMissingError,
  TenantNotFoundError,
  TenantOpenError,
  TenantUnavailableError,
  WrongTenantError,
} from '../../../src/errors.ts';
import { byPath, bySubdomain, type TenancyOptions, tenancy, trustResolution } from '../../../src/koa/index.ts';
import { TENANT_STATUSES } from '../../../src/tenant/Tenant.ts';
import { FakeManager } from '../../support/koa/FakeManager.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';

const HOST = 'acme.example.com';
const NOT_FOUND = '{"error":{"code":"TENANT_NOT_FOUND","message":"Not Found"}}';

const fails = (error: unknown) => (): never => {
  throw error;
};

async function start(
  handler: Middleware = () => {},
  authorize: TenancyOptions['authorize'] = trustResolution,
  before?: Middleware,
) {
  const manager = new FakeManager([
    { id: 'acme', database: 'acme' },
    ...TENANT_STATUSES.map((status) => ({ id: `is-${status}`, database: `is_${status}`, status })),
  ]);
  const middleware = tenancy(manager, { resolve: [bySubdomain('example.com'), byPath({ prefix: '/t' })], authorize });
  return { manager, server: await KoaServer.start(before ?? ((_ctx, next) => next()), middleware, handler) };
}

const budget = new ConnectionBudgetExceededError('acme', 'no connection became free within 3000 ms', 50, 50, 12);

/** What the manager or a handler may throw, the status and code to answer with, and Retry-After. */
const ANSWERS: readonly [TenancyError, number, string, string | undefined][] = [
  [budget, 503, 'CONNECTION_BUDGET_EXCEEDED', '1'],
  [new TenantOpenError('acme', 4_200), 503, 'TENANT_OPEN_FAILED', '5'],
  [new TenantConnectionError('acme', 'refused by db1', { retryInMs: 9_000 }), 503, 'TENANT_CONNECTION_FAILED', '9'],
  [new TenantDatabaseMissingError('acme', 'secret_db'), 503, 'TENANT_DATABASE_MISSING', undefined],
  [new TenantClosedError('acme', 'evicted'), 503, 'TENANT_CLOSED', undefined],
  [new ManagerClosedError(), 503, 'MANAGER_CLOSED', undefined],
  [new TenantUnavailableError('acme', 'maintenance'), 503, 'TENANT_UNAVAILABLE', '30'],
  [new TenantBehindError('acme', 'Migration002', 'one is pending', 2_500), 503, 'TENANT_BEHIND', '3'],
  [new TenantUnavailableError('acme', 'suspended'), 404, 'TENANT_NOT_FOUND', undefined],
  [new TenantNotFoundError('acme'), 404, 'TENANT_NOT_FOUND', undefined],
];

describe('an error of the tenancy', () => {
  it.each(ANSWERS)('is answered when acquire rejects: %p', async (error, status, code, retryAfter) => {
    const { manager, server } = await start();
    await using _ = server;
    manager.beforeLease = async () => fails(error)();
    const { headers, ...answer } = await server.send(HOST);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual({
      error: { code, message: status === 404 ? 'Not Found' : 'Service Unavailable' },
    });
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'content-type': 'application/json; charset=utf-8' });
    expect(headers['retry-after']).toBe(retryAfter);
  });

  it.each(ANSWERS)(
    'is answered in the same way when the handler throws it: %p',
    async (error, status, code, retryAfter) => {
      const { manager, server } = await start(fails(error));
      await using _ = server;
      const { headers, ...answer } = await server.send(HOST);
      expect(answer).toMatchObject({ status, body: expect.stringContaining(`"${code}"`) });
      expect(headers['retry-after']).toBe(retryAfter);
      await manager.allReleased();
      expect(manager.released).toBe(1);
      expect(manager.refusals).toEqual([]);
    },
  );

  it('shows its message only where that was written for clients', async () => {
    const { server } = await start(fails(new BadTenantRequestError('Two values for one tenant.')));
    await using _ = server;
    const answer = await server.send(HOST);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toEqual({
      error: { code: 'BAD_TENANT_REQUEST', message: 'Two values for one tenant.' },
    });
  });

  it.each([
    ['application/json', 'application/json; charset=utf-8', NOT_FOUND],
    ['*/*', 'application/json; charset=utf-8', NOT_FOUND],
    ['text/plain', 'text/plain; charset=utf-8', 'Not Found\n'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'text/plain; charset=utf-8', 'Not Found\n'],
    ['image/png', 'text/plain; charset=utf-8', 'Not Found\n'],
    [';;;', 'text/plain; charset=utf-8', 'Not Found\n'],
  ])('is answered by Accept: %s', async (accept, type, body) => {
    const { server } = await start();
    await using _ = server;
    const answer = await server.send('nobody.example.com', '/', { accept });
    expect(answer).toMatchObject({ status: 404, body, headers: { 'content-type': type, vary: 'Accept' } });
  });

  it('has no body for HEAD, and the same headers', async () => {
    const { server } = await start();
    await using _ = server;
    const got = await server.send('nobody.example.com');
    const head = await server.send('nobody.example.com', '/', {}, 'HEAD');
    expect(head).toMatchObject({ status: 404, body: '' });
    expect({ ...head.headers, date: '' }).toEqual({ ...got.headers, date: '' });
  });

  it('is reported to the application when something failed', async () => {
    const { server } = await start(fails(budget));
    await using _ = server;
    await server.send(HOST);
    expect(server.errors).toEqual([budget]);
  });

  it('is no failure to report when a client is refused, but an event', async () => {
    const { manager, server } = await start();
    await using _ = server;
    for (const host of [
      'nobody.example.com',
      'is-suspended.example.com',
      'is-maintenance.example.com',
      'a@b',
      'x.org',
    ]) {
      await server.send(host);
    }
    await server.send('acme.example.com', '/t/is-active');
    expect(server.errors).toEqual([]);
    expect(manager.refusals).toEqual([
      { code: 'TENANT_NOT_FOUND', tenantId: 'nobody' },
      { code: 'TENANT_UNAVAILABLE', tenantId: 'is-suspended' },
      { code: 'TENANT_UNAVAILABLE', tenantId: 'is-maintenance' },
      { code: 'BAD_TENANT_REQUEST', tenantId: undefined },
      { code: 'TENANT_NOT_FOUND', tenantId: undefined },
      { code: 'TENANT_AMBIGUOUS', tenantId: 'acme' },
    ]);
  });

  it('drops what the handler had set for a response of its own, and keeps what was there before', async () => {
    const handler: Middleware = (ctx) => {
      ctx.set({ ETag: '"1"', 'Cache-Control': 'public', 'Content-Disposition': 'attachment', 'X-Request-Id': 'other' });
      ctx.cookies.set('tenant', 'acme');
      ctx.status = 201;
      ctx.body = { row: 'of acme' };
      throw budget;
    };
    const { server } = await start(handler, trustResolution, (ctx, next) => {
      ctx.set('X-Request-Id', '7');
      ctx.set('Set-Cookie', ['a=1', 'b=2']);
      return next();
    });
    await using _ = server;
    const { status, headers, body } = await server.send(HOST);
    expect(status).toBe(503);
    expect(headers).toMatchObject({ 'x-request-id': '7', 'set-cookie': ['a=1', 'b=2'], 'cache-control': 'no-store' });
    expect(headers).not.toHaveProperty('etag');
    expect(headers).not.toHaveProperty('content-disposition');
    expect(body).not.toContain('acme');
  });

  it.each([
    new TenancyConfigurationError('Set something.'),
    new WrongTenantError('House', 'acme', 'globex', 'acme'),
    new LeaseReleasedError('acme', 'It was used.'),
  ])('is left to Koa when it is a defect of the program: %p', async (error) => {
    const { server } = await start(fails(error));
    await using _ = server;
    expect(await server.send(HOST)).toMatchObject({ status: 500, body: 'Internal Server Error' });
    expect(server.errors).toEqual([error]);
  });

  it('is left to Koa when the headers have been sent', async () => {
    const error = new ManagerClosedError();
    const { manager, server } = await start((ctx) => {
      ctx.res.write('half');
      throw error;
    });
    await using _ = server;
    const reported = once(server.app, 'error');
    const request = server.open(HOST);
    expect((await reported)[0]).toBe(error);
    expect(error).toHaveProperty('headerSent', true);
    request.destroy();
    await manager.allReleased();
    expect(server.errors).toEqual([error]);
  });

  it('is left to Koa when the handler answers by itself', async () => {
    const { server } = await start((ctx) => {
      ctx.respond = false;
      throw budget;
    });
    await using _ = server;
    expect(await server.send(HOST)).toMatchObject({ status: 503, body: 'Service Unavailable' });
  });

  it('leaves other errors as they are', async () => {
    const { server } = await start((ctx) => ctx.throw(409, 'Taken'));
    await using _ = server;
    expect(await server.send(HOST)).toMatchObject({ status: 409, body: 'Taken' });
  });

  it('tells nobody that a tenant is in maintenance who may not use it', async () => {
    const { server } = await start(undefined, (ctx) => ctx.get('X-User') === 'member');
    await using _ = server;
    const host = 'is-maintenance.example.com';
    expect(await server.send(host)).toMatchObject({ status: 404, body: NOT_FOUND });
    const told = await server.send(host, '/', { 'X-User': 'member' });
    expect(told).toMatchObject({ status: 503, headers: { 'retry-after': '30' } });
    expect(JSON.parse(told.body).error.code).toBe('TENANT_UNAVAILABLE');
  });
});

describe('a tenant that may not be seen', () => {
  const careless: TenancyOptions['authorize'] = (ctx, tenant) => {
    ctx.set('X-Tenant', tenant.id);
    ctx.cookies.set('seen', tenant.id);
    ctx.status = 403;
    ctx.body = 'no';
    return false;
  };

  async function bytesOf(server: KoaServer, host: string, path: string, accept: string): Promise<string> {
    const lines = [`GET ${path} HTTP/1.1`, `Host: ${host}`, `Accept: ${accept}`, 'Connection: close'];
    return (await server.sendRaw(...lines)).replace(/^Date: .*$/m, 'Date: now');
  }

  it.each(['application/json', 'text/html'])(
    'looks to the byte like one that does not exist, for %s',
    async (accept) => {
      const { server } = await start(undefined, careless);
      await using _ = server;
      const missing = await bytesOf(server, 'nobody.example.com', '/', accept);
      expect(missing).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
      const hidden = ['acme', 'is-suspended', 'is-archived', 'is-dropping', 'is-failed', 'is-maintenance', 'is-active'];
      for (const id of hidden) {
        expect(await bytesOf(server, `${id}.example.com`, '/', accept)).toBe(missing);
      }
      expect(await bytesOf(server, 'acme.example.com', '/t/is-active', accept)).toBe(missing);
      expect(await bytesOf(server, 'example.com', '/', accept)).toBe(missing);
    },
  );
});
