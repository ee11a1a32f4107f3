import { describe, expect, it } from '@jest/globals';
import { TenancyConfigurationError } from '../../../src/errors.ts';
import {
  byDomain,
  byHeader,
  bySubdomain,
  type RouteModes,
  type TenancyOptions,
  tenancy,
  trustResolution,
} from '../../../src/koa/index.ts';
import { FakeManager } from '../../support/koa/FakeManager.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';

const options: TenancyOptions = {
  resolve: [bySubdomain('example.com'), byDomain({ ignore: ['example.com'] }), byHeader('X-Tenant', { trusted: true })],
  authorize: (ctx) => ctx.get('X-User') !== 'stranger',
  refusalFloorMs: 0,
};

async function start(of: Partial<TenancyOptions> | { readonly mode: 'central' }, isComplete = true) {
  const manager = new FakeManager([
    { id: 'acme', database: 'acme', domains: ['acme.com'] },
    { id: 'gone', database: 'gone', status: 'archived' },
  ]);
  const middleware = isComplete
    ? tenancy(manager, { ...options, ...of } as TenancyOptions)
    : tenancy(manager, of as { readonly mode: 'central' });
  const server = await KoaServer.start(middleware, (ctx) => {
    const { tenant } = ctx.state;
    ctx.body = `${tenant?.id ?? 'none'} ${manager.currentTenant()?.id ?? 'none'} ${manager.isCentral()}`;
  });
  return { manager, server };
}

const CENTRAL = 'none none true';
const ACME = 'acme acme false';

describe("mode 'either'", () => {
  it('gives the tenant that the request names, and goes on without one where it names none', async () => {
    const { manager, server } = await start({ mode: 'either' });
    await using _ = server;
    expect((await server.send('acme.example.com')).body).toBe(ACME);
    expect((await server.send('acme.com')).body).toBe(ACME);
    for (const host of ['example.com', 'www.example.com', '127.0.0.1', 'EXAMPLE.com.:8080']) {
      expect((await server.send(host)).body).toBe(CENTRAL);
    }
    await manager.allReleased();
    expect(manager.acquired).toBe(2);
  });

  it.each<[string, string, Record<string, string>, number]>([
    ['a tenant that does not exist', 'nobody.example.com', {}, 404],
    ['a domain of nobody', 'nobody.com', {}, 404],
    ['a tenant that is archived', 'gone.example.com', {}, 404],
    ['a tenant that is not the client’s', 'acme.example.com', { 'X-User': 'stranger' }, 404],
    ['two tenants', 'acme.example.com', { 'X-Tenant': 'gone' }, 404],
    ['a malformed host', 'a@b', {}, 400],
    ['a malformed header', 'example.com', { 'X-Tenant': 'a,b' }, 400],
  ])('refuses %s', async (_case, host, headers, status) => {
    const { manager, server } = await start({ mode: 'either' });
    await using _ = server;
    expect((await server.send(host, '/', headers)).status).toBe(status);
    expect(manager.refusals).toHaveLength(1);
  });

  it('makes also the answers without a tenant vary by the header that could have named one', async () => {
    const { server } = await start({ mode: 'either' });
    await using _ = server;
    expect((await server.send('example.com')).headers.vary).toBe('X-Tenant');
  });
});

describe("mode 'central'", () => {
  it('asks for no tenant, even where the request names one', async () => {
    const { manager, server } = await start({ mode: 'central' }, false);
    await using _ = server;
    for (const host of ['acme.example.com', 'nobody.example.com', 'a@b']) {
      expect(await server.send(host)).toMatchObject({ status: 200, body: CENTRAL });
    }
    expect([manager.acquired, manager.lookUps]).toEqual([0, []]);
  });

  it('goes on without a central database where the manager has none', async () => {
    const { catalog, events } = new FakeManager([]);
    const acquire = () => Promise.reject(new Error('not asked for'));
    const middleware = tenancy({ catalog, events, acquire }, { mode: 'central' });
    await using server = await KoaServer.start(middleware, (ctx) => {
      ctx.body = 'ok';
    });
    expect((await server.send('x')).body).toBe('ok');
  });

  it('lets another `tenancy` behind it find a tenant', async () => {
    const manager = new FakeManager([{ id: 'acme', database: 'acme' }]);
    await using server = await KoaServer.start(
      tenancy(manager, { mode: 'central' }),
      tenancy(manager, { resolve: bySubdomain('example.com'), authorize: trustResolution }),
      (ctx) => {
        ctx.body = manager.currentTenant()?.id;
      },
    );
    expect((await server.send('acme.example.com')).body).toBe('acme');
  });
});

describe('modes', () => {
  it('are by path: the exact one, then the longest prefix, and otherwise a tenant is needed', async () => {
    const { server } = await start({
      mode: { '/signup': 'central', '/docs/*': 'either', '/docs/admin/*': 'central', '/docs/own': 'tenant' },
    });
    await using _ = server;
    const bodies = async (host: string, paths: readonly string[]) =>
      Promise.all(paths.map(async (path) => (await server.send(host, path)).body));
    expect(await bodies('acme.example.com', ['/signup?a', '/docs/x', '/docs/admin/', '/docs/own', '/x'])).toEqual([
      CENTRAL,
      ACME,
      CENTRAL,
      ACME,
      ACME,
    ]);
    expect((await server.send('example.com', '/docs/x')).body).toBe(CENTRAL);
    for (const path of ['/docs/own', '/docs', '/signup/', '/SIGNUP', '/%73ignup', '/x/../signup']) {
      expect((await server.send('example.com', path)).status).toBe(404);
    }
  });

  it('are by a function, which gives one of the three', async () => {
    const mode: RouteModes = (ctx) => (ctx.method === 'GET' ? 'either' : ('open' as 'central'));
    const { server } = await start({ mode });
    await using _ = server;
    expect((await server.send('example.com')).body).toBe(CENTRAL);
    expect((await server.send('example.com', '/', {}, 'POST')).status).toBe(500);
    expect(String(server.errors[0])).toContain('`mode` is "open"');
  });

  it.each<[string, unknown]>([
    ['another word', 'none'],
    ['another word by path', { '/x': 'none' }],
    ['a path without a slash', { x: 'central' }],
    ['everything', { '/*': 'central' }],
    ['null', null],
  ])('are refused when they are %s', (_case, mode) => {
    expect(() => tenancy(new FakeManager([]), { ...options, mode: mode as RouteModes })).toThrow(
      TenancyConfigurationError,
    );
  });
});
