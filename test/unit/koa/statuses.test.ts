import { describe, expect, it } from '@jest/globals';
import { bySubdomain, tenancy, trustResolution } from '../../../src/koa/index.ts';
import { TENANT_STATUSES, type TenantStatus } from '../../../src/tenant/Tenant.ts';
import { FakeManager } from '../../support/koa/FakeManager.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';

async function start({ isTrusted = false } = {}) {
  const manager = new FakeManager(
    TENANT_STATUSES.map((status) => ({ id: `is-${status}`, database: `is_${status}`, status })),
  );
  const middleware = tenancy(manager, {
    resolve: bySubdomain('example.com'),
    authorize: isTrusted ? trustResolution : (ctx) => ctx.get('X-User') === 'member',
    refusalFloorMs: 0,
  });
  const server = await KoaServer.start(middleware, (ctx) => {
    ctx.body = 'ok';
  });
  return { manager, server };
}

const member = { 'X-User': 'member' };

/** The status, to a member, of reading and of writing, and of reading by anybody with `trustResolution`. */
const ANSWERS: Readonly<Record<TenantStatus, readonly [number, number, number]>> = {
  active: [200, 200, 200],
  readonly: [200, 403, 200],
  suspended: [403, 403, 404],
  provisioning: [503, 503, 503],
  maintenance: [503, 503, 503],
  archived: [404, 404, 404],
  dropping: [404, 404, 404],
  failed: [404, 404, 404],
};

describe.each(TENANT_STATUSES)('a tenant that is %s', (status) => {
  const host = `is-${status}.example.com`;
  const [read, write, anybody] = ANSWERS[status];

  it(`is answered ${read} to who reads and ${write} to who writes`, async () => {
    const { server } = await start();
    await using _ = server;
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE']) {
      expect((await server.send(host, '/', member, method)).status).toBe(read);
    }
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'LOCK']) {
      expect((await server.send(host, '/', member, method)).status).toBe(write);
    }
  });

  it('comes with Retry-After exactly when it is 503', async () => {
    const { server } = await start();
    await using _ = server;
    const { headers } = await server.send(host, '/', member);
    expect(headers['retry-after']).toBe(read === 503 ? '30' : undefined);
  });

  it('is 404 to an outsider', async () => {
    const { server } = await start();
    await using _ = server;
    expect((await server.send(host)).status).toBe(404);
    expect((await server.send(host, '/', {}, 'POST')).status).toBe(404);
  });

  it(`is ${anybody} where nobody is asked who he is`, async () => {
    const { server } = await start({ isTrusted: true });
    await using _ = server;
    expect((await server.send(host)).status).toBe(anybody);
  });
});

describe('a refusal by status', () => {
  it('says in its body what is the matter', async () => {
    const { manager, server } = await start();
    await using _ = server;
    const write = await server.send('is-readonly.example.com', '/', member, 'POST');
    expect(JSON.parse(write.body)).toEqual({
      error: {
        code: 'TENANT_READ_ONLY',
        message: 'Tenant "is-readonly" can only be read now: POST is refused. Try again when it takes changes.',
      },
    });
    const text = await server.send('is-suspended.example.com', '/', { ...member, accept: 'text/plain' });
    expect(text.body).toBe('Tenant "is-suspended" is suspended. Ask whoever runs this service to resume it.\n');
    expect(manager.acquired).toBe(0);
    expect(manager.refusals.map(({ code }) => code)).toEqual(['TENANT_READ_ONLY', 'TENANT_SUSPENDED']);
  });
});
