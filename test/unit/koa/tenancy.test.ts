import { describe, expect, it, jest } from '@jest/globals';
import Koa, { type Middleware } from 'koa';
import { TenancyConfigurationError } from '../../../src/errors.ts';
import {
  byClaim,
  byDomain,
  byHeader,
  byPath,
  bySubdomain,
  type TenancyOptions,
  tenancy,
  trustResolution,
} from '../../../src/koa/index.ts';
import type { TenantOrmManager } from '../../../src/TenantOrmManager.ts';
import type { Tenant } from '../../../src/tenant/Tenant.ts';
import { FakeManager } from '../../support/koa/FakeManager.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';

const ACME = 'acme.example.com';

function managerOf() {
  return new FakeManager([
    { id: 'acme', database: 'acme', domains: ['acme.com'] },
    { id: 'globex', database: 'globex', domains: ['globex.com'] },
  ]);
}

const options: TenancyOptions = { resolve: [bySubdomain('example.com'), byDomain()], authorize: trustResolution };

describe('tenancy', () => {
  it('takes a TenantOrmManager, and types the tenant for what follows', () => {
    interface Customer extends Tenant {
      readonly plan: string;
    }
    const program = (manager: TenantOrmManager<Customer>) =>
      new Koa()
        .use(tenancy(manager, { resolve: byDomain(), authorize: (_ctx, tenant) => tenant.plan === 'gold' }))
        .use((ctx) => {
          const plan: string = ctx.state.tenant.plan;
          ctx.body = plan;
        });
    expect(program).toBeInstanceOf(Function);
  });

  it('runs the handler in the context of the tenant, with its lease and its state', async () => {
    const manager = managerOf();
    await using server = await KoaServer.start(tenancy(manager, options), async (ctx) => {
      await Promise.resolve();
      ctx.body = { context: manager.currentTenant()?.id, state: ctx.state['tenant'], path: ctx.state['tenantPath'] };
    });
    const answer = await server.send(ACME);
    expect(JSON.parse(answer.body)).toEqual({
      context: 'acme',
      state: { id: 'acme', database: 'acme', domains: ['acme.com'] },
      path: '',
    });
    expect((await server.send('www.globex.com')).body).toContain('"context":"globex"');
    await manager.allReleased();
    expect(manager.acquired).toBe(2);
    expect(manager.currentTenant()).toBeUndefined();
  });

  it('gives 64 requests at once each its own tenant', async () => {
    const manager = managerOf();
    await using server = await KoaServer.start(tenancy(manager, options), async (ctx) => {
      const before = manager.currentTenant()?.id;
      await new Promise((resolve) => setImmediate(resolve));
      ctx.body = `${before} ${manager.currentTenant()?.id} ${ctx.state['tenant'].id}`;
    });
    const tenants = Array.from({ length: 64 }, (_, index) => (index % 2 === 0 ? 'acme' : 'globex'));
    const answers = await Promise.all(tenants.map((id) => server.send(`${id}.example.com`)));
    expect(answers.map(({ body }) => body)).toEqual(tenants.map((id) => `${id} ${id} ${id}`));
    await manager.allReleased();
    expect(manager.released).toBe(64);
  });

  it.each(['GET', 'HEAD', 'OPTIONS', 'POST', 'DELETE'])('works for %s', async (method) => {
    const manager = managerOf();
    await using server = await KoaServer.start(tenancy(manager, options), (ctx) => {
      ctx.set('X-Seen', ctx.state['tenant'].id);
      ctx.body = 'ok';
    });
    const answer = await server.send(ACME, '/', {}, method);
    expect(answer).toMatchObject({ status: 200, headers: { 'x-seen': 'acme' }, body: method === 'HEAD' ? '' : 'ok' });
    await manager.allReleased();
    expect((await server.send('nobody.example.com', '/', {}, method)).status).toBe(404);
  });

  it('takes one source without a list, and a function that reads the Koa context', async () => {
    const manager = managerOf();
    const session: Middleware = (ctx, next) => {
      ctx.state['session'] = { tenantId: 'globex' };
      return next();
    };
    const bySession = tenancy(manager, {
      resolve: ({ ctx }) => ({ by: 'id', id: ctx.state['session'].tenantId }),
      authorize: trustResolution,
    });
    await using server = await KoaServer.start(session, bySession, (ctx) => {
      ctx.body = ctx.state['tenant'].id;
    });
    expect((await server.send('localhost')).body).toBe('globex');
  });

  it('gives byClaim the claims that earlier middleware has verified', async () => {
    const verified: Middleware = (ctx, next) => {
      ctx.state['user'] = { iss: 'https://login', tenant: ctx.get('X-Claim') };
      return next();
    };
    const manager = new FakeManager([
      { id: 'acme', database: 'login' },
      { id: 'globex', database: 'other' },
    ]);
    const tenants = tenancy(manager, {
      resolve: [
        bySubdomain('example.com'),
        byClaim({ claims: ({ ctx }) => ctx.state['user'], issuer: (tenant) => `https://${tenant.database}` }),
      ],
      authorize: trustResolution,
    });
    await using server = await KoaServer.start(verified, tenants, (ctx) => {
      ctx.body = ctx.state['tenant'].id;
    });
    expect((await server.send('x', '/', { 'X-Claim': 'acme' })).body).toBe('acme');
    expect((await server.send('x', '/', { 'X-Claim': 'globex' })).status).toBe(404);
  });

  it('reports which sources disagree, beside the refusal', async () => {
    const manager = managerOf();
    const disagreed = jest.fn();
    manager.events.on('resolution:disagreed', disagreed);
    const resolve = [bySubdomain('example.com'), byHeader('X-Tenant', { trusted: true })];
    await using server = await KoaServer.start(tenancy(manager, { resolve, authorize: trustResolution }));
    expect((await server.send(ACME, '/', { 'X-Tenant': 'globex' })).status).toBe(404);
    expect(disagreed.mock.calls).toEqual([
      [{ tenantId: 'acme', otherTenantId: 'globex', sources: ['host', 'header x-tenant'] }],
    ]);
    expect(manager.refusals).toEqual([{ code: 'TENANT_AMBIGUOUS', tenantId: 'acme' }]);
  });

  it('gives byHeader the Koa context to decide on trust', async () => {
    const manager = managerOf();
    const internal = tenancy(manager, {
      resolve: [byHeader('X-Tenant', { trusted: ({ ctx }) => ctx.get('X-Secret') === 's' })],
      authorize: trustResolution,
    });
    await using server = await KoaServer.start(internal, (ctx) => {
      ctx.body = ctx.state['tenant'].id;
    });
    expect((await server.send('x', '/', { 'X-Tenant': 'acme', 'X-Secret': 's' })).body).toBe('acme');
    expect((await server.send('x', '/', { 'X-Tenant': 'acme' })).status).toBe(404);
  });

  it('makes responses vary by the header that names the tenant', async () => {
    const manager = managerOf();
    const resolve = [byHeader('X-Tenant', { trusted: true }), bySubdomain('example.com')];
    await using server = await KoaServer.start(tenancy(manager, { resolve, authorize: trustResolution }), (ctx) => {
      ctx.vary('Origin');
      ctx.body = 'ok';
    });
    expect((await server.send(ACME)).headers.vary).toBe('X-Tenant, Origin');
    expect((await server.send('nobody.example.com')).headers.vary).toBe('X-Tenant, Accept');
  });

  it('leaves Vary alone when only the address names the tenant', async () => {
    await using server = await KoaServer.start(tenancy(managerOf(), options), (ctx) => {
      ctx.body = 'ok';
    });
    expect((await server.send(ACME)).headers.vary).toBeUndefined();
  });

  it('asks authorize with the tenant, and lets it be asynchronous', async () => {
    const manager = managerOf();
    const authorize = jest.fn<TenancyOptions['authorize']>(async (ctx, tenant) => ctx.get('X-User') === tenant.id);
    await using server = await KoaServer.start(tenancy(manager, { ...options, authorize }), (ctx) => {
      ctx.body = 'ok';
    });
    expect((await server.send(ACME, '/', { 'X-User': 'acme' })).status).toBe(200);
    expect((await server.send(ACME, '/', { 'X-User': 'globex' })).status).toBe(404);
    expect(authorize.mock.calls.map(([, tenant]) => tenant.id)).toEqual(['acme', 'acme']);
    expect(manager.refusals).toEqual([{ code: 'TENANT_FORBIDDEN', tenantId: 'acme' }]);
    expect(manager.acquired).toBe(1);
  });

  it.each([undefined, null, 1, 'true', {}, Promise.resolve('true')])(
    'takes %p from authorize for a no',
    async (answer) => {
      const manager = managerOf();
      const authorize = () => answer as unknown as boolean;
      await using server = await KoaServer.start(tenancy(manager, { ...options, authorize }));
      expect((await server.send(ACME)).status).toBe(404);
      expect(manager.acquired).toBe(0);
    },
  );

  it('lets an error of authorize pass, as a 401', async () => {
    const manager = managerOf();
    const authorize: TenancyOptions['authorize'] = (ctx) => ctx.throw(401, 'Log in first');
    await using server = await KoaServer.start(tenancy(manager, { ...options, authorize }));
    expect(await server.send(ACME)).toMatchObject({ status: 401, body: 'Log in first' });
    expect(manager.refusals).toEqual([]);
  });

  it('refuses to be passed twice on the way to a handler', async () => {
    const manager = managerOf();
    await using server = await KoaServer.start(tenancy(manager, options), tenancy(managerOf(), options));
    expect((await server.send(ACME)).status).toBe(500);
    expect(server.errors).toEqual([expect.any(TenancyConfigurationError)]);
    expect(String(server.errors[0])).toContain('once on the way to a handler');
    await manager.allReleased();
  });

  it('lets each of two middlewares take its own part of the paths', async () => {
    const manager = managerOf();
    const onlyUnder =
      (prefix: string, inner: Middleware): Middleware =>
      (ctx, next) =>
        ctx.path.startsWith(prefix) ? inner(ctx, next) : next();
    const byAddress = tenancy(manager, options);
    const byPrefix = tenancy(manager, { resolve: byPath({ prefix: '/t' }), authorize: trustResolution });
    await using server = await KoaServer.start(onlyUnder('/t/', byPrefix), onlyUnder('/own/', byAddress), (ctx) => {
      ctx.body = ctx.state['tenant']?.id ?? 'none';
    });
    expect((await server.send('localhost', '/t/globex/own')).body).toBe('globex');
    expect((await server.send(ACME, '/own/x')).body).toBe('acme');
    expect((await server.send(ACME, '/other')).body).toBe('none');
  });

  it.each<[string, object, RegExp]>([
    ['no source', { resolve: [], authorize: trustResolution }, /`resolve` takes at least one source/],
    ['resolve left out', { authorize: trustResolution }, /`resolve` takes at least one source/],
    ['a source that is no function', { resolve: ['acme'], authorize: trustResolution }, /`resolve` takes/],
    ['sources of another kind', { ...options, sources: 'last' }, /`sources` is 'agree' or 'first'/],
    ['authorize left out', { resolve: byDomain() }, /`authorize` is required.*`trustResolution`/],
    ['authorize: true', { resolve: byDomain(), authorize: true }, /`authorize` is required/],
    ['an exempt path without a slash', { ...options, exempt: ['health'] }, /`exempt` has "health"/],
    ['an exempt path with a star inside', { ...options, exempt: ['/a/*/b'] }, /`exempt` has "\/a\/\*\/b"/],
    ['everything exempt', { ...options, exempt: ['/*'] }, /`exempt` has "\/\*"/],
  ])('refuses %s when it is built, and says what to do', (_, wrong, message) => {
    expect(() => tenancy(managerOf(), wrong as TenancyOptions)).toThrow(TenancyConfigurationError);
    expect(() => tenancy(managerOf(), wrong as TenancyOptions)).toThrow(message);
  });
});
