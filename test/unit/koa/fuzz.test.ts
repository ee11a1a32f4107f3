import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  byCookie,
  byDomain,
  byHeader,
  byPath,
  byQuery,
  bySubdomain,
  tenancy,
  trustResolution,
} from '../../../src/koa/index.ts';
import { FakeManager } from '../../support/koa/FakeManager.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';
import { RawConnection } from '../../support/koa/RawConnection.ts';
import {
  type ReferenceOptions,
  strictly,
  trimmed,
  type WireRequest,
} from '../../support/resolution/strictReference.ts';
import { BASE_DOMAIN, bytesOf, TENANTS, wireRequests } from '../../support/resolution/wireRequests.ts';

const REQUESTS = 4_000;
const CONNECTIONS = 16;

async function start({ isPeerTrusted, headers }: Pick<ReferenceOptions, 'isPeerTrusted' | 'headers'>) {
  const manager = new FakeManager(
    Object.entries(TENANTS).map(([id, domains]) => ({ id, database: id.replace(/\W/g, '_'), domains: [...domains] })),
  );
  const middleware = tenancy(manager, {
    resolve: [
      byPath({ prefix: '/t' }),
      bySubdomain(BASE_DOMAIN),
      byDomain({ ignore: [BASE_DOMAIN] }),
      byHeader('X-Tenant', { trusted: 'proxy' }),
      byQuery('tenant', { trusted: 'proxy' }),
      byCookie('tenant', { trusted: 'proxy' }),
    ],
    authorize: trustResolution,
    trustedProxies: { addresses: [isPeerTrusted ? '127.0.0.0/8' : '192.0.2.1', '10.0.0.0/8'], headers },
    refusalFloorMs: 0,
  });
  const server = await KoaServer.start(middleware, (ctx) => {
    ctx.body = ctx.state['tenant'].id;
  });
  return { manager, server };
}

/** What is to be answered. HTTP/1.1 wants a Host line even where the host comes from elsewhere. */
function expectedOf(request: WireRequest, options: ReferenceOptions) {
  const outcome = request.hosts.length === 0 ? 'malformed' : strictly(trimmed(request), options);
  return typeof outcome === 'string'
    ? { status: outcome === 'malformed' ? 400 : 404 }
    : { status: 200, body: outcome.tenant };
}

describe.each<[string, Pick<ReferenceOptions, 'isPeerTrusted' | 'headers'>]>([
  ['from anybody', { isPeerTrusted: false, headers: 'x-forwarded' }],
  ['from a proxy with X-Forwarded-Host', { isPeerTrusted: true, headers: 'x-forwarded' }],
  ['from a proxy with Forwarded', { isPeerTrusted: true, headers: 'forwarded' }],
])('the bytes of requests %s', (_case, own) => {
  it(`are answered through Koa as a second implementation says, ${REQUESTS} of them`, async () => {
    const { manager, server } = await start(own);
    await using _ = server;
    const options = { tenants: TENANTS, baseDomain: BASE_DOMAIN, ...own };
    const requests = fc.sample(wireRequests, { numRuns: REQUESTS }).values();
    const answered = { 200: 0, 400: 0, 404: 0 };

    async function sendAll(): Promise<void> {
      using connection = new RawConnection(server.port);
      for (const request of requests) {
        const { status, body } = await connection.exchange(bytesOf(request));
        const expected = expectedOf(request, options);
        const isRight = status === expected.status && (expected.body === undefined || body === expected.body);
        if (!isRight) {
          throw new Error(`${status} ${body} instead of ${JSON.stringify(expected)} for ${JSON.stringify(request)}`);
        }
        answered[status as 200] += 1;
      }
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, sendAll));

    expect(answered[200] + answered[400] + answered[404]).toBe(REQUESTS);
    expect(Math.min(...Object.values(answered))).toBeGreaterThan(REQUESTS / 50);
    await manager.allReleased();
    expect(manager.acquired).toBe(answered[200]);
    expect(server.errors).toEqual([]);
  }, 60_000);
});
