import { describe, expect, it } from '@jest/globals';
import {
  byClaim,
  byCookie,
  byDomain,
  byHeader,
  byPath,
  byQuery,
  bySubdomain,
  type TenantResolver,
} from '../../../../src/koa/index.ts';
import type { DoorAdapter } from '../DoorAdapter.ts';
import { ACME, GLOBEX, startDoor } from './startDoor.ts';

const trusted = { trusted: true } as const;

function tokenOf(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.`;
}

export function resolutionCases<C>(door: DoorAdapter<C>): void {
  describe('the tenant of a request', () => {
    const bearer = { authorization: `Bearer ${tokenOf({ iss: 'login', tenant: 'acme' })}` };
    const byToken = byClaim({ issuer: 'login', verify: () => ({ iss: 'login', tenant: 'acme' }) });

    it.each<[string, TenantResolver, string, string, Record<string, string>]>([
      ['the subdomain', bySubdomain('example.com'), ACME, '/', {}],
      ['its domain', byDomain(), 'www.acme.com', '/', {}],
      ['a header', byHeader('X-Tenant', trusted), 'x', '/', { 'X-Tenant': 'acme' }],
      ['a cookie', byCookie('tenant', trusted), 'x', '/', { cookie: 'a=b; tenant=acme' }],
      ['the query', byQuery('tenant', trusted), 'x', '/?a=b&tenant=acme', {}],
      ['a claim', byToken, 'x', '/', bearer],
      ['the path', byPath({ prefix: '/t' }), 'x', '/t/acme/houses?a=1', {}],
    ])('is named by %s', async (_source, resolve, host, path, headers) => {
      const { manager, server } = await startDoor(door, { options: { resolve } });
      await using _ = server;
      expect((await server.send(host, path, headers)).body).toMatch(/^acme acme false \//);
      await manager.allReleased();
      expect(manager.released).toBe(1);
    });

    it('is the one of all sources, or none', async () => {
      const resolve = [bySubdomain('example.com'), byHeader('X-Tenant', trusted)];
      const { manager, server } = await startDoor(door, { options: { resolve } });
      await using _ = server;
      expect((await server.send(ACME, '/', { 'X-Tenant': 'acme' })).body).toContain('acme acme');
      expect((await server.send(ACME, '/', { 'X-Tenant': 'globex' })).status).toBe(404);
      expect(manager.refusals).toEqual([{ code: 'TENANT_AMBIGUOUS', tenantId: 'acme' }]);
    });

    it('is what `authorize` is asked about, with the request of the framework', async () => {
      const asked: string[] = [];
      const { manager, server } = await startDoor(door, {
        options: {
          authorize: async (ctx, tenant) => {
            asked.push(tenant.id);
            return door.headerOf(ctx, 'X-User') === tenant.id;
          },
        },
      });
      await using _ = server;
      expect((await server.send(ACME, '/', { 'X-User': 'acme' })).status).toBe(200);
      expect((await server.send(ACME, '/', { 'X-User': 'globex' })).status).toBe(404);
      expect((await server.send(ACME)).status).toBe(404);
      expect(asked).toEqual(['acme', 'acme', 'acme']);
      expect(manager.acquired).toBe(1);
    });

    it.each([undefined, 1, 'true', {}])('is not given where `authorize` says %p', async (answer) => {
      const { manager, server } = await startDoor(door, { options: { authorize: () => answer as boolean } });
      await using _ = server;
      expect((await server.send(ACME)).status).toBe(404);
      expect(manager.acquired).toBe(0);
    });

    it('is in `Vary` by what names it, beside what the handler adds', async () => {
      const { server } = await startDoor(door, {
        options: { resolve: [byHeader('X-Tenant', trusted), bySubdomain('example.com')] },
      });
      await using _ = server;
      expect((await server.send(ACME)).headers.vary).toBe('X-Tenant');
      expect((await server.send('nobody.example.com')).headers.vary).toBe('X-Tenant, Accept');
    });

    it('is named by a proxy that is trusted, and by no other client', async () => {
      const at = async (address: string) =>
        startDoor(door, { options: { trustedProxies: { addresses: [address] }, resolve: byDomain() } });
      const headers = { 'X-Forwarded-Host': 'acme.com' };
      const { server } = await at('127.0.0.0/8');
      await using _ = server;
      expect((await server.send('globex.com', '/', headers)).body).toContain('acme acme');
      const { server: other } = await at('10.0.0.0/8');
      await using __ = other;
      expect((await other.send('globex.com', '/', headers)).body).toContain('globex globex');
    });

    it('by another of its domains is sent to the primary one, by 308', async () => {
      const { manager, server } = await startDoor(door, {
        options: { resolve: byDomain(), redirectsToPrimaryDomain: true },
      });
      await using _ = server;
      const { status, headers } = await server.send('acme.net:8080', '/houses/1?a=%2F%2Fb&c', {}, 'POST');
      expect(status).toBe(308);
      expect(headers).toMatchObject({ location: '//acme.com:8080/houses/1?a=%2F%2Fb&c', 'cache-control': 'no-store' });
      expect(manager.acquired).toBe(0);
    });
  });

  describe('byPath', () => {
    const options = { resolve: byPath({ prefix: '/t' }) };

    it('says what stands before the paths of the tenant', async () => {
      const { server } = await startDoor(door, {
        options,
        handler: ({ path, tenantPath }) => ({ body: `${tenantPath} ${path}` }),
      });
      await using _ = server;
      const below = door.showsPathBelowTenant ? '/houses' : '/t/acme/houses';
      expect((await server.send('x', '/t/acme/houses?q=/t/globex')).body).toBe(`/t/acme ${below}`);
    });

    it.each(['/t/acme%2Fx', '/t//acme', '/t/acme//evil.com', '/t/ACME', '/t/acme/%zz', '/t/acme#'])(
      'refuses %s with 400',
      async (path) => {
        const { manager, server } = await startDoor(door, { options });
        await using _ = server;
        const answer = await server.sendRaw(`GET ${path} HTTP/1.1`, 'Host: x', 'Connection: close');
        expect(answer).toMatch(/^HTTP\/1\.1 400 /);
        expect(manager.acquired).toBe(0);
      },
    );

    it.each(['/t/acme/../globex', '/t/acme/%2e%2e/globex', '/t\\acme#/x', 'http://[::1/t/acme'])(
      'gives no tenant for %s',
      async (path) => {
        const { manager, server } = await startDoor(door, { options });
        await using _ = server;
        const answer = await server.sendRaw(`GET ${path} HTTP/1.1`, 'Host: x', 'Connection: close');
        expect(answer).toMatch(/^HTTP\/1\.1 [45]/);
        expect(manager.acquired).toBe(0);
      },
    );
  });

  describe('routes', () => {
    it('that are exempt are left alone, and no others', async () => {
      const { manager, server } = await startDoor(door, { options: { exempt: ['/health', '/assets/*'] } });
      await using _ = server;
      for (const path of ['/health', '/assets/', '/assets/a/b.css']) {
        expect((await server.send(ACME, path)).body).toBe(`none none false ${path}`);
      }
      for (const path of ['/health/', '/HEALTH', '/assets', '/%68ealth', '/x/../health', '/assets/../x', '//health']) {
        const isLiteral = !path.includes('..');
        const { status } = await server.send('nobody.example.com', path);
        // A framework may take the dots away, and then the path is another; or leave them, and then it is below.
        expect(isLiteral || path.startsWith('/x') ? status : [200, 404].includes(status)).toBe(
          isLiteral || path.startsWith('/x') ? 404 : true,
        );
      }
      expect(manager.acquired).toBe(0);
    });

    it('are exempt by a function of the request of the framework', async () => {
      const { server } = await startDoor(door, {
        options: { exempt: async (ctx) => door.headerOf(ctx, 'X-Probe') === 'yes' },
      });
      await using _ = server;
      expect((await server.send('x', '/', { 'X-Probe': 'yes' })).body).toBe('none none false /');
      expect((await server.send('x', '/', { 'X-Probe': 'no' })).status).toBe(404);
    });

    it('have the tenant, the central database, or either, by mode', async () => {
      const { manager, server } = await startDoor(door, {
        options: { mode: { '/signup': 'central', '/docs/*': 'either' } },
      });
      await using _ = server;
      expect((await server.send(ACME, '/signup')).body).toBe('none none true /signup');
      expect((await server.send(GLOBEX, '/docs/x')).body).toBe('globex globex false /docs/x');
      expect((await server.send('example.com', '/docs/x')).body).toBe('none none true /docs/x');
      expect((await server.send('nobody.example.com', '/docs/x')).status).toBe(404);
      expect((await server.send('example.com', '/other')).status).toBe(404);
      await manager.allReleased();
      expect(manager.acquired).toBe(1);
    });
  });
}
