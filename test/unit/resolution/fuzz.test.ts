import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Context } from 'koa';
import { StaticCatalog } from '../../../src/catalog/StaticCatalog.ts';
import { TenancyError } from '../../../src/errors.ts';
import { HttpTenantRequest } from '../../../src/http/HttpTenantRequest.ts';
import { KoaExchange } from '../../../src/koa/KoaExchange.ts';
import { byCookie } from '../../../src/resolution/byCookie.ts';
import { byDomain } from '../../../src/resolution/byDomain.ts';
import { byHeader } from '../../../src/resolution/byHeader.ts';
import { byPath } from '../../../src/resolution/byPath.ts';
import { byQuery } from '../../../src/resolution/byQuery.ts';
import { bySubdomain } from '../../../src/resolution/bySubdomain.ts';
import { resolveTenant } from '../../../src/resolution/resolveTenant.ts';
import { TrustedProxies } from '../../../src/resolution/TrustedProxies.ts';
import {
  type Expected,
  type ReferenceOptions,
  strictly,
  trimmed,
  type WireRequest,
} from '../../support/resolution/strictReference.ts';
import { BASE_DOMAIN, TENANTS, wireRequests } from '../../support/resolution/wireRequests.ts';

const catalog = new StaticCatalog(
  Object.entries(TENANTS).map(([id, domains]) => ({ id, database: id.replace(/\W/g, '_'), domains: [...domains] })),
);
const resolvers = [
  byPath({ prefix: '/t' }),
  bySubdomain(BASE_DOMAIN),
  byDomain({ ignore: [BASE_DOMAIN] }),
  byHeader('X-Tenant', { trusted: 'proxy' }),
  byQuery('tenant', { trusted: 'proxy' }),
  byCookie('tenant', { trusted: 'proxy' }),
];

/** A request as it comes out of node's parser and Koa's. */
function received(request: WireRequest, proxies: TrustedProxies, remoteAddress: string): HttpTenantRequest {
  const rawHeaders = Object.entries({
    Host: request.hosts,
    'X-Forwarded-Host': request.forwardedHosts,
    Forwarded: request.forwarded,
    'x-TENANT': request.tenantHeaders,
    cookie: request.cookies,
  }).flatMap(([name, lines]) => lines.flatMap((line) => [name, line.replace(/^[ \t]+|[ \t]+$/g, '')]));
  const path = request.target.replace(/^http:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  const ctx = {
    path,
    originalUrl: request.target,
    req: { rawHeaders, url: request.target, httpVersionMajor: 1, socket: { remoteAddress } },
  };
  return new HttpTenantRequest(new KoaExchange(ctx as unknown as Context), proxies);
}

async function outcome(request: HttpTenantRequest): Promise<Expected> {
  try {
    const resolved = await resolveTenant(request, resolvers, catalog);
    return resolved === undefined ? 'refused' : { tenant: resolved.tenant.id };
  } catch (error) {
    if (error instanceof TenancyError && (error.status === 400 || error.status === 404)) {
      return error.status === 400 ? 'malformed' : 'refused';
    }
    throw error;
  }
}

const RUNS = 30_000;

describe.each<[string, Pick<ReferenceOptions, 'isPeerTrusted' | 'headers'>]>([
  ['from anybody', { isPeerTrusted: false, headers: 'x-forwarded' }],
  ['from anybody, where proxies write Forwarded', { isPeerTrusted: false, headers: 'forwarded' }],
  ['from a proxy with X-Forwarded-Host', { isPeerTrusted: true, headers: 'x-forwarded' }],
  ['from a proxy with Forwarded', { isPeerTrusted: true, headers: 'forwarded' }],
])('requests %s', (_case, { isPeerTrusted, headers }) => {
  it(`come to what a second implementation says, ${RUNS} of them`, async () => {
    const proxies = new TrustedProxies({ addresses: ['127.0.0.0/8', '10.0.0.0/8'], headers });
    const address = isPeerTrusted ? '::ffff:127.0.0.1' : '203.0.113.5';
    const options = { tenants: TENANTS, baseDomain: BASE_DOMAIN, isPeerTrusted, headers };
    const seen = { malformed: 0, refused: 0, tenant: 0 };
    await fc.assert(
      fc.asyncProperty(wireRequests, async (request) => {
        const expected = strictly(trimmed(request), options);
        seen[typeof expected === 'string' ? expected : 'tenant'] += 1;
        const actual = await outcome(received(request, proxies, address));
        if (JSON.stringify(actual) !== JSON.stringify(expected)) {
          throw new Error(`${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
        }
      }),
      { numRuns: RUNS },
    );
    // Otherwise the inputs would say little.
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(RUNS / 50);
  }, 120_000);
});
