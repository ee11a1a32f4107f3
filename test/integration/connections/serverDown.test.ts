import { connect } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { StaticCatalog, TenantConnectionError } from 'mikro-orm-multitenancy';
import { ListeningServer } from '../../support/connections/ListeningServer.ts';
import { serverUrl } from '../../support/databases.ts';
import { assertClosed, House, TestTenants, until } from '../../support/manager/TestTenants.ts';
import { freePort } from '../../support/postgres.ts';

function urlAt(port: number): string {
  const url = new URL(serverUrl());
  url.port = String(port);
  return url.href;
}

/** Passes everything on to the real server. */
function passingOn(port: number): Promise<ListeningServer> {
  const { hostname, port: realPort } = new URL(serverUrl());
  return ListeningServer.start(port, (client) => {
    const upstream = connect(Number(realPort), hostname);
    client.pipe(upstream).pipe(client);
    upstream.on('error', () => client.destroy());
  });
}

describe('a server that is down', () => {
  let tenants: TestTenants;
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme', 'globex']);
  });
  afterAll(() => tenants[Symbol.asyncDispose]());

  it('is not asked by every request, and is back as soon as it answers', async () => {
    const port = await freePort();
    const manager = await tenants.manager({ server: urlAt(port) });
    let attempts = 0;
    manager.events.on('connection:failed', () => {
      attempts += 1;
    });
    const failures = [];
    for (let n = 0; n < 50; n += 1) {
      failures.push(await manager.run('acme', (em) => em.count(House)).catch((error: unknown) => error));
    }
    expect(failures.every((error) => error instanceof TenantConnectionError)).toBe(true);
    expect(attempts).toBeLessThan(10);
    expect(failures[0]).toMatchObject({ tenantId: 'acme', status: 503, retryAfterSeconds: 1 });
    // The same address begins to answer: everything is passed on to the real server.
    await using _healed = await passingOn(port);
    let count: number | undefined;
    while (count === undefined) {
      count = await manager
        .run('acme', (em) => em.count(House))
        .catch(() => new Promise((again) => setImmediate(again, undefined)));
    }
    expect(count).toBe(0);
    await manager.close();
    assertClosed(manager);
  });

  it('rejects a burst of requests with a few attempts', async () => {
    const manager = await tenants.manager({ server: urlAt(await freePort()) });
    let attempts = 0;
    manager.events.on('connection:failed', () => {
      attempts += 1;
    });
    const burst = Array.from({ length: 40 }, () => manager.run('acme', (em) => em.count(House)));
    const outcomes = await Promise.allSettled(burst);
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(attempts).toBeLessThanOrEqual(4);
    await manager.close();
  });

  it('is reported once, and once more when it is found again', async () => {
    const port = await freePort();
    const manager = await tenants.manager({ server: urlAt(port) });
    const log: string[] = [];
    manager.events.on('server:down', ({ server, route }) => log.push(`${server} ${route} down`));
    manager.events.on('server:up', ({ server, route }) => log.push(`${server} ${route} up`));
    {
      await using _down = await ListeningServer.start(port, (client) => client.destroy());
      for (let n = 0; n < 12; n += 1) {
        await expect(manager.run('acme', (em) => em.count(House))).rejects.toThrow(TenantConnectionError);
      }
    }
    expect(log).toEqual(['default primary down']);
    expect(manager.stats().servers['default']?.breakers).toEqual({ primary: expect.stringMatching(/open$/) });
    await using _healed = await passingOn(port);
    const count = () => manager.run('globex', (em) => em.count(House));
    await until(async () => (await count().catch(() => undefined)) === 0, 'the server is not found again');
    expect(log).toEqual(['default primary down', 'default primary up']);
    expect(manager.stats().servers['default']?.breakers).toEqual({ primary: 'closed' });
    await manager.close();
    assertClosed(manager);
  });

  it('says nothing of the password', async () => {
    const url = new URL(urlAt(await freePort()));
    url.password = 'top-secret-word';
    const manager = await tenants.manager({ server: url.href });
    const error = await manager.run('acme', (em) => em.count(House)).catch((reason: unknown) => reason);
    expect(inspect([error, manager, manager.stats()], { depth: 20, showHidden: true })).not.toContain(
      'top-secret-word',
    );
    await manager.close();
  });

  it('that accepts and never answers is given up after the deadline', async () => {
    await using silent = await ListeningServer.start(0, () => {});
    const manager = await tenants.manager({ server: { url: urlAt(silent.port), connectTimeoutMs: 150 } });
    const startedAt = performance.now();
    const refused = manager.run('acme', (em) => em.count(House));
    await expect(refused).rejects.toThrow(/no answer within 150 ms/);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    await silent.clientsAre(0);
    await manager.close();
    assertClosed(manager);
  });

  it('that begins TLS and never goes on is given up after the deadline', async () => {
    await using silent = await ListeningServer.start(0, (client) => client.once('data', () => client.write('S')));
    const manager = await tenants.manager({ server: { url: urlAt(silent.port), ssl: true, connectTimeoutMs: 150 } });
    const startedAt = performance.now();
    await expect(manager.run('acme', (em) => em.count(House))).rejects.toThrow(/no answer within 150 ms/);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    await silent.clientsAre(0);
    await manager.close();
    assertClosed(manager);
  });

  it('that never answers does not keep the manager from closing', async () => {
    await using silent = await ListeningServer.start(0, () => {});
    const manager = await tenants.manager({
      server: { url: urlAt(silent.port), connectTimeoutMs: 60_000, acquireTimeoutMs: 60_000 },
    });
    const run = manager.run('acme', (em) => em.count(House)).catch((reason: unknown) => reason);
    const migration = manager
      .migrator('globex')
      .up()
      .catch((reason: unknown) => reason);
    await silent.clientsAre(2);
    const startedAt = performance.now();
    await manager.close({ timeoutMs: 100 });
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(await run).toMatchObject({ code: 'TENANT_CLOSED' });
    expect(await migration).toMatchObject({ code: 'TENANT_CLOSED' });
    await silent.clientsAre(0);
    assertClosed(manager);
  });

  it('rejects with a connection error when it refuses the password', async () => {
    const url = new URL(serverUrl());
    url.username = 'nobody_knows_me';
    const manager = await tenants.manager({ server: url.href });
    const error = await manager.run('acme', (em) => em.count(House)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TenantConnectionError);
    await manager.close();
  });

  it('that another tenant does not use does not trouble that tenant', async () => {
    const { tenants: list } = tenants;
    const placed = list.map((tenant) => ({ ...tenant, server: tenant.id === 'acme' ? 'down' : 'up' }));
    const manager = await tenants.manager({
      servers: { down: urlAt(await freePort()), up: serverUrl() },
      catalog: new StaticCatalog(placed),
    });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => manager.run(n % 2 === 0 ? 'acme' : 'globex', (em) => em.count(House))),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(
      Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? 'rejected' : 'fulfilled')),
    );
    await manager.close();
    assertClosed(manager);
  });
});
