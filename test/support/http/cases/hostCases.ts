import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  byCookie,
  byDomain,
  byHeader,
  byPath,
  byQuery,
  bySubdomain,
  trustResolution,
} from '../../../../src/koa/index.ts';
import { FakeManager } from '../../koa/FakeManager.ts';
import { RawConnection } from '../../koa/RawConnection.ts';
import { strictly, trimmed, type WireRequest } from '../../resolution/strictReference.ts';
import { BASE_DOMAIN, bytesOf, TENANTS, wireRequests } from '../../resolution/wireRequests.ts';
import type { DoorAdapter } from '../DoorAdapter.ts';
import { startDoor } from './startDoor.ts';

const REQUESTS = 800;
const CONNECTIONS = 8;

export function hostCases<C>(door: DoorAdapter<C>): void {
  describe('the host of a request', () => {
    it.each(['Host: acme.example.com', 'host:acme.example.com', 'HOST: \t ACME.Example.Com.:8080 \t'])(
      'names the tenant with %j',
      async (line) => {
        const { server } = await startDoor(door);
        await using _ = server;
        expect(await server.sendRaw('GET / HTTP/1.1', line, 'Connection: close')).toContain('acme acme');
      },
    );

    it.each<[string, readonly string[]]>([
      ['a second Host line', ['Host: acme.example.com', 'Host: globex.example.com']],
      ['the same Host line twice', ['Host: acme.example.com', 'Host: acme.example.com']],
      ['a comma list', ['Host: acme.example.com, globex.example.com']],
      ['a tab', ['Host: acme.example.com\tglobex.example.com']],
      ['user information', ['Host: globex@acme.example.com']],
      ['port 99999', ['Host: acme.example.com:99999']],
      ['two trailing dots', ['Host: acme.example.com..']],
      ['letters beyond ASCII', ['Host: acm\u00e9.example.com']],
      ['no value', ['Host:']],
    ])('is refused with 400 for %s', async (_case, lines) => {
      const { manager, server } = await startDoor(door);
      await using _ = server;
      const answer = await server.sendRaw('GET / HTTP/1.1', ...lines, 'Connection: close');
      expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
      expect(answer.includes('BAD_TENANT_REQUEST') || door.refusesHostsItself === true).toBe(true);
      expect(manager.acquired).toBe(0);
    });

    it('may stand in the request line as well, when it is the same, and is refused when it is not', async () => {
      const { server } = await startDoor(door);
      await using _ = server;
      const rest = ['Host: acme.example.com', 'Connection: close'] as const;
      expect(await server.sendRaw('GET http://acme.example.com/houses?a=1 HTTP/1.1', ...rest)).toContain('acme acme');
      for (const target of ['http://globex.example.com/', 'HTTP://globex@acme.example.com/']) {
        expect(await server.sendRaw(`GET ${target} HTTP/1.1`, ...rest)).toMatch(/^HTTP\/1\.1 400 /);
      }
    });
  });

  describe('the bytes of requests from a proxy', () => {
    it(`are answered as a second implementation says, ${REQUESTS} of them`, async () => {
      const manager = new FakeManager(
        Object.entries(TENANTS).map(([id, domains]) => ({
          id,
          database: id.replace(/\W/g, '_'),
          domains: [...domains],
        })),
      );
      await using server = await door.start({
        manager,
        handler: ({ tenant }) => ({ body: tenant?.id ?? 'none' }),
        options: {
          resolve: [
            byPath({ prefix: '/t' }),
            bySubdomain(BASE_DOMAIN),
            byDomain({ ignore: [BASE_DOMAIN] }),
            byHeader('X-Tenant', { trusted: 'proxy' }),
            byQuery('tenant', { trusted: 'proxy' }),
            byCookie('tenant', { trusted: 'proxy' }),
          ],
          authorize: trustResolution,
          trustedProxies: { addresses: ['127.0.0.0/8', '10.0.0.0/8'] },
          refusalFloorMs: 0,
        },
      });
      const options = {
        tenants: TENANTS,
        baseDomain: BASE_DOMAIN,
        isPeerTrusted: true,
        headers: 'x-forwarded',
      } as const;
      const requests = fc.sample(wireRequests, { numRuns: REQUESTS }).values();
      const answered: Record<number, number> = { 200: 0, 400: 0, 404: 0 };

      const isRefusedByFramework = (status: number, { target }: WireRequest): boolean =>
        (status === 400 && door.refusesHostsItself === true) ||
        (door.statusesOfUnreadableTargets?.includes(status) === true && /%|^[a-z]+:/i.test(target));

      /** HTTP/1.1 wants a Host line even where the host comes from elsewhere. */
      function expectedOf(request: WireRequest) {
        const outcome = request.hosts.length === 0 ? 'malformed' : strictly(trimmed(request), options);
        return typeof outcome === 'string'
          ? { status: outcome === 'malformed' ? 400 : 404 }
          : { status: 200, body: outcome.tenant };
      }
      async function sendAll(): Promise<void> {
        using connection = new RawConnection(server.port);
        for (const request of requests) {
          const { status, body } = await connection.exchange(bytesOf(request));
          const expected = expectedOf(request);
          const isRight =
            (status === expected.status && (expected.body === undefined || body === expected.body)) ||
            isRefusedByFramework(status, request);
          if (!isRight) {
            throw new Error(`${status} ${body} instead of ${JSON.stringify(expected)} for ${JSON.stringify(request)}`);
          }
          answered[status] = (answered[status] ?? 0) + 1;
        }
      }
      await Promise.all(Array.from({ length: CONNECTIONS }, sendAll));

      expect(Math.min(answered[200] ?? 0, answered[400] ?? 0, answered[404] ?? 0)).toBeGreaterThan(REQUESTS / 100);
      await manager.allReleased();
      // Where a router fails behind the tenancy, as of a path that it cannot decode, the tenant was held as well.
      expect(manager.acquired - (answered[200] ?? 0)).toBeLessThanOrEqual(answered[500] ?? 0);
      expect(server.errors).toHaveLength(answered[500] ?? 0);
    }, 60_000);
  });
}
