import { describe, expect, it } from '@jest/globals';
import { requireTenant, type VersionGateOptions } from 'mikro-orm-multitenancy';
import { bySubdomain, tenancy, trustResolution } from 'mikro-orm-multitenancy/koa';
import { KoaServer } from '../../support/koa/KoaServer.ts';
import { TestTenants } from '../../support/manager/TestTenants.ts';
import { migrationsList } from '../../support/migrations/migrations.ts';

async function start(tenants: TestTenants, whenBehind: VersionGateOptions['whenBehind']) {
  const manager = await tenants.manager({
    orm: { migrations: { migrationsList } },
    versionGate: { requires: 'latest', whenBehind, retryAfterMs: 7_000 },
  });
  const server = await KoaServer.start(
    tenancy(manager, { resolve: bySubdomain('example.com'), authorize: trustResolution }),
    (ctx) => {
      ctx.body = requireTenant().id;
    },
  );
  return { manager, server };
}

describe('a request of a tenant that is behind', () => {
  it('is answered 503 with Retry-After, counted as refused, and served once the tenant is migrated', async () => {
    await using tenants = await TestTenants.create(['acme'], { schema: '' });
    const { manager, server } = await start(tenants, 'refuse');
    await using _ = server;
    const { status, headers, body } = await server.send('acme.example.com');
    expect([status, headers['retry-after'], headers['cache-control']]).toEqual([503, '7', 'no-store']);
    expect(JSON.parse(body)).toEqual({ error: { code: 'TENANT_BEHIND', message: 'Service Unavailable' } });
    expect(manager.stats()).toMatchObject({ refused: { TENANT_BEHIND: 1 }, leases: 0 });
    expect(server.errors).toEqual([]);
    await manager.migrator('acme').up();
    expect(await server.send('acme.example.com')).toMatchObject({ status: 200, body: 'acme' });
  });

  it('waits where the tenant is migrated on its first access, as do all that come meanwhile', async () => {
    await using tenants = await TestTenants.create(['acme', 'globex'], { schema: '' });
    const { manager, server } = await start(tenants, 'migrate');
    await using _ = server;
    const hosts = ['acme', 'globex', 'acme', 'globex', 'acme'].map((id) => `${id}.example.com`);
    const answers = await Promise.all(hosts.map((host) => server.send(host)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(await manager.migrator('globex').getPending()).toEqual([]);
  });
});
