import { describe, expect, it } from '@jest/globals';
import type { Middleware } from 'koa';
import session from 'koa-session';
import { byDomain, bySubdomain, type TenancyOptions, tenancy, trustResolution } from '../../../src/koa/index.ts';
import { FakeManager } from '../../support/koa/FakeManager.ts';
import { type Answer, KoaServer } from '../../support/koa/KoaServer.ts';

const KEY = 'a secret of the application, long enough';
const base = {
  resolve: [bySubdomain('example.com'), byDomain({ ignore: ['example.com'] })],
  authorize: trustResolution,
  mode: 'either',
  refusalFloorMs: 0,
} as const satisfies TenancyOptions;

const ACME = 'acme.example.com';
const GLOBEX = 'globex.example.com';

function managerOf() {
  return new FakeManager([
    { id: 'acme', database: 'acme' },
    { id: 'globex', database: 'globex' },
  ]);
}

/** The Cookie header of a browser that sends what it was given to every host. */
function cookiesOf(answer: Answer): string {
  return (answer.headers['set-cookie'] ?? []).map((cookie) => cookie.split(';')[0]).join('; ');
}

describe('`session`', () => {
  /** Sessions in a store, whose cookie goes to every subdomain, as with koa-session's `domain` option. */
  async function start(options: Partial<TenancyOptions> = {}) {
    const manager = managerOf();
    const stored = new Map<string, object>();
    const store = {
      get: async (key: string) => stored.get(key),
      set: async (key: string, value: object) => void stored.set(key, structuredClone(value)),
      destroy: async (key: string) => void stored.delete(key),
    };
    let sessions: Middleware | undefined;
    const outer: Middleware = (ctx, next) => sessions?.(ctx, next);
    const tenants = tenancy(manager, { ...base, session: (ctx) => ctx['session'], ...options });
    const server = await KoaServer.start(outer, tenants, (ctx) => {
      if (ctx.path === '/login') {
        ctx['session'] = { user: 5 };
      }
      if (ctx.path === '/logout') {
        ctx['session'] = null;
      }
      if (ctx.path === '/fail') {
        ctx['session'] = { user: 5 };
        ctx.throw(409, 'Taken');
      }
      ctx.body = `${ctx['session']?.user ?? 'nobody'}`;
    });
    server.app.keys = [KEY];
    sessions = session({ store }, server.app) as Middleware;
    return { manager, server, stored };
  }

  it('lets a session be used where it was made, and refuses it for another tenant', async () => {
    const { manager, server, stored } = await start();
    await using _ = server;
    const cookie = cookiesOf(await server.send(ACME, '/login'));
    expect([...stored.values()]).toEqual([expect.objectContaining({ user: 5, tenancy: 'acme' })]);
    expect((await server.send(ACME, '/', { cookie })).body).toBe('5');
    const before = structuredClone([...stored]);
    const refused = await server.send(GLOBEX, '/', { cookie });
    const missing = await server.send('nobody.example.com', '/', { cookie });
    expect(refused.status).toBe(404);
    expect(refused.body).toBe(missing.body);
    expect(manager.refusals).toEqual([
      { code: 'SESSION_OF_OTHER_TENANT', tenantId: 'globex' },
      { code: 'TENANT_NOT_FOUND', tenantId: 'nobody' },
    ]);
    expect([...stored]).toEqual(before);
    expect((await server.send(ACME, '/', { cookie })).body).toBe('5');
  });

  it('refuses it before `authorize` could read it', async () => {
    const asked: string[] = [];
    const { server } = await start({
      authorize: (_ctx, tenant) => {
        asked.push(tenant.id);
        return true;
      },
    });
    await using _ = server;
    const cookie = cookiesOf(await server.send(ACME, '/login'));
    await server.send(GLOBEX, '/', { cookie });
    expect(asked).toEqual(['acme']);
  });

  it('keeps sessions of pages without a tenant from tenants, and the other way round', async () => {
    const { manager, server } = await start();
    await using _ = server;
    const central = { cookie: cookiesOf(await server.send('example.com', '/login')) };
    expect((await server.send('example.com', '/', central)).body).toBe('5');
    expect((await server.send(ACME, '/', central)).status).toBe(404);
    const acme = { cookie: cookiesOf(await server.send(ACME, '/login')) };
    expect((await server.send('example.com', '/', acme)).status).toBe(404);
    expect(manager.refusals.map(({ code }) => code)).toEqual(['SESSION_OF_OTHER_TENANT', 'SESSION_OF_OTHER_TENANT']);
  });

  it('refuses a session that says of no tenant that it was made for it', async () => {
    const { server, stored } = await start();
    await using _ = server;
    const cookie = cookiesOf(await server.send(ACME, '/login'));
    for (const key of stored.keys()) {
      stored.set(key, { user: 5, _expire: Date.now() + 60_000, _maxAge: 86_400_000 });
    }
    expect((await server.send(ACME, '/', { cookie })).status).toBe(404);
  });

  it('has nothing against an empty session, and writes none', async () => {
    const { server, stored } = await start();
    await using _ = server;
    expect((await server.send(ACME)).headers['set-cookie']).toBeUndefined();
    expect(stored.size).toBe(0);
  });

  it('lets a session end', async () => {
    const { server, stored } = await start();
    await using _ = server;
    const cookie = cookiesOf(await server.send(ACME, '/login'));
    expect((await server.send(ACME, '/logout', { cookie })).body).toBe('nobody');
    expect(stored.size).toBe(0);
  });

  it('binds a session also when the handler throws', async () => {
    const { server, stored } = await start();
    await using _ = server;
    expect((await server.send(ACME, '/fail')).status).toBe(409);
    expect([...stored.values()]).toEqual([expect.objectContaining({ tenancy: 'acme' })]);
  });

  it('takes a function', () => {
    expect(() => tenancy(managerOf(), { ...base, session: true } as unknown as TenancyOptions)).toThrow(/`session`/);
  });
});

describe('`cookieKeys`', () => {
  async function start(options: Partial<TenancyOptions> = {}, outer: Middleware = (_ctx, next) => next()) {
    const manager = managerOf();
    const server = await KoaServer.start(outer, tenancy(manager, { ...base, cookieKeys: [KEY], ...options }), (ctx) => {
      if (ctx.path === '/login') {
        ctx.cookies.set('user', '5', { signed: true });
      }
      ctx.body = ctx.cookies.get('user', { signed: true }) ?? 'nobody';
    });
    return { manager, server };
  }

  it("sign another tenant's cookies otherwise", async () => {
    const { server } = await start();
    await using _ = server;
    const cookie = cookiesOf(await server.send(ACME, '/login'));
    expect(cookie).toMatch(/^user=5; user\.sig=[\w-]{43}$/);
    expect((await server.send(ACME, '/', { cookie })).body).toBe('5');
    for (const host of [GLOBEX, 'example.com']) {
      expect((await server.send(host, '/', { cookie })).body).toBe('nobody');
    }
    const central = cookiesOf(await server.send('example.com', '/login'));
    expect((await server.send('example.com', '/', { cookie: central })).body).toBe('5');
    expect((await server.send(ACME, '/', { cookie: central })).body).toBe('nobody');
  });

  it('are those of the tenant in `authorize` already', async () => {
    const { server } = await start({
      authorize: (ctx) => ctx.path === '/login' || ctx.cookies.get('user', { signed: true }) === '5',
    });
    await using _ = server;
    const cookie = cookiesOf(await server.send(ACME, '/login'));
    expect((await server.send(ACME, '/', { cookie })).status).toBe(200);
    expect((await server.send(GLOBEX, '/', { cookie })).status).toBe(404);
  });

  it('accept what an older secret has signed, and sign it anew', async () => {
    const { server } = await start();
    const cookie = cookiesOf(await server.send(ACME, '/login'));
    await server[Symbol.asyncDispose]();
    const NEWER = 'another secret, which is at least as long';
    const { server: later } = await start({ cookieKeys: [NEWER, KEY] });
    await using _ = later;
    const answer = await later.send(ACME, '/', { cookie });
    expect(answer.body).toBe('5');
    expect(cookiesOf(answer)).toMatch(/^user\.sig=/);
    expect((await later.send(GLOBEX, '/', { cookie })).body).toBe('nobody');
    const { server: without } = await start({ cookieKeys: [NEWER] });
    await using __ = without;
    expect((await without.send(ACME, '/', { cookie })).body).toBe('nobody');
  });

  it('leave the keys of the application to middleware outside', async () => {
    const outer: Middleware = async (ctx, next) => {
      ctx.app.keys = ['of the application'];
      await next();
      ctx.cookies.set('outer', '1', { signed: true });
      ctx.body = ctx.cookies.get('outer', { signed: true }) ?? 'not by these keys';
    };
    const { server } = await start({}, outer);
    await using _ = server;
    const cookie = cookiesOf(await server.send(ACME));
    for (const host of [ACME, GLOBEX]) {
      expect((await server.send(host, '/', { cookie })).body).toBe('1');
    }
  });

  it.each<[string, unknown]>([
    ['none', []],
    ['one that is short', ['short']],
    ['one that is short beside one that is not', [KEY, 'short']],
    ['no list', KEY],
  ])('are refused when there is %s', (_case, cookieKeys) => {
    expect(() => tenancy(managerOf(), { ...base, cookieKeys } as TenancyOptions)).toThrow(/at least 32 characters/);
  });
});
