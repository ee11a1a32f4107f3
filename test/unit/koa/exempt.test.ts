import { describe, expect, it } from '@jest/globals';
import { byPath, bySubdomain, type TenancyOptions, tenancy, trustResolution } from '../../../src/koa/index.ts';
import { FakeManager } from '../../support/koa/FakeManager.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';

async function start(exempt: NonNullable<TenancyOptions['exempt']>) {
  const manager = new FakeManager([{ id: 'acme', database: 'acme' }]);
  const middleware = tenancy(manager, {
    resolve: [bySubdomain('example.com'), byPath({ prefix: '/t' })],
    authorize: trustResolution,
    exempt,
  });
  const server = await KoaServer.start(middleware, (ctx) => {
    ctx.body = `${manager.currentTenant()?.id} ${ctx.state['tenant']?.id} ${ctx.path}`;
  });
  return { manager, server };
}

describe('exempt', () => {
  it('lets exact paths and what lies below a path through without a tenant', async () => {
    const { manager, server } = await start(['/health', '/assets/*']);
    await using _ = server;
    for (const path of ['/health', '/health?deep=1', '/assets/', '/assets/a/b.css']) {
      expect(await server.send('no host at all', path)).toMatchObject({ status: 200 });
      expect((await server.send('acme.example.com', path)).body).toBe(`undefined undefined ${path.split('?')[0]}`);
    }
    expect(manager.acquired).toBe(0);
  });

  it('asks for a tenant everywhere else', async () => {
    const { server } = await start(['/health', '/assets/*']);
    await using _ = server;
    for (const path of [
      '/',
      '/health/',
      '/healthy',
      '/HEALTH',
      '/assets',
      '/x/assets/y',
      '/%68ealth',
      '//health',
      '/t/acme/health',
    ]) {
      expect([path, (await server.send('acme.example.com', path)).body]).toEqual([
        path,
        expect.stringContaining('acme acme'),
      ]);
      expect((await server.send('nobody.example.com', path)).status).toBe(404);
    }
  });

  it('takes a function, which may be asynchronous', async () => {
    const { server } = await start(async (ctx) => ctx.method === 'OPTIONS');
    await using _ = server;
    expect((await server.send('acme.example.com', '/', {}, 'OPTIONS')).body).toContain('undefined undefined');
    expect((await server.send('acme.example.com', '/')).body).toContain('acme acme');
  });

  it('takes nothing but true from the function', async () => {
    const { server } = await start(() => 'yes' as unknown as boolean);
    await using _ = server;
    expect((await server.send('nobody.example.com')).status).toBe(404);
  });

  it('leaves the errors of an exempt route to Koa', async () => {
    const manager = new FakeManager([]);
    const middleware = tenancy(manager, {
      resolve: bySubdomain('example.com'),
      authorize: trustResolution,
      exempt: ['/x'],
    });
    await using server = await KoaServer.start(middleware, (ctx) => ctx.throw(418));
    expect((await server.send('acme.example.com', '/x')).status).toBe(418);
    expect(manager.refusals).toEqual([]);
  });
});
