import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { EntitySchema } from '@mikro-orm/core';
import Koa from 'koa';
import type { Tenant, TenantOrmManager } from 'mikro-orm-multitenancy';
import { bySubdomain, tenancy } from 'mikro-orm-multitenancy/koa';
import { WebSocket } from 'ws';
import { codeBlocks, ROOT } from '../../support/docs.ts';
import { TestTenants, until } from '../../support/manager/TestTenants.ts';

interface Example {
  readonly House: EntitySchema;
  acceptHandshakes(server: object, app: Koa): void;
  liveHouses(manager: TenantOrmManager): Koa.Middleware;
}

/** The program of docs/beyond-requests.md. */
async function example(folder: string): Promise<Example> {
  const block = codeBlocks().find(
    ({ name, code }) => name.startsWith('docs-beyond') && code.includes('WebSocketServer'),
  );
  const file = join(folder, 'webSocket.ts');
  writeFileSync(file, block?.code ?? '');
  return import(pathToFileURL(file).href) as Promise<Example>;
}

describe('the WebSocket of the documentation', () => {
  let tenants: TestTenants;
  let manager: TenantOrmManager<Tenant>;
  let server: ReturnType<Koa['listen']>;
  let folder = '';
  let port = 0;
  let isAllowed = true;
  const clients: WebSocket[] = [];
  beforeAll(async () => {
    mkdirSync(join(ROOT, 'coverage'), { recursive: true });
    folder = mkdtempSync(join(ROOT, 'coverage', 'socket-'));
    const { acceptHandshakes, liveHouses, House } = await example(folder);
    tenants = await TestTenants.create(['acme', 'globex']);
    manager = await tenants.manager({ orm: { entities: [House] } });
    const app = new Koa();
    app.silent = true;
    app.use(tenancy(manager, { resolve: bySubdomain('localhost'), authorize: () => isAllowed }));
    app.use(liveHouses(manager as TenantOrmManager));
    server = app.listen(0, '127.0.0.1');
    acceptHandshakes(server, app);
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    await tenants[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  afterEach(() => {
    for (const client of clients.splice(0)) {
      client.terminate();
    }
  });

  function open(tenant: string): WebSocket {
    const client = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { host: `${tenant}.localhost` } });
    clients.push(client);
    return client;
  }

  async function say(client: WebSocket, address: string): Promise<string> {
    const gone = new AbortController();
    const answer = Promise.race([once(client, 'message', gone), once(client, 'close', gone)]);
    client.send(address);
    const [text] = (await answer.finally(() => gone.abort())) as [Buffer | number];
    return String(text);
  }

  async function refusal(tenant: string): Promise<number | undefined> {
    const client = open(tenant);
    client.on('error', () => {});
    const [, response] = (await once(client, 'unexpected-response')) as [unknown, { statusCode?: number }];
    return response.statusCode;
  }

  it('answers each message as the tenant of its handshake, and holds nothing between them', async () => {
    const [acme, globex] = [open('acme'), open('globex')];
    await Promise.all([once(acme, 'open'), once(globex, 'open')]);
    await until(async () => manager.stats().leases === 0, 'the leases of the handshakes go on');
    expect([await say(acme, 'a'), await say(acme, 'b'), await say(globex, 'c')]).toEqual(['1', '2', '1']);
    const both = [acme, globex].map(async (client) => [await say(client, 'd'), await say(client, 'e')]);
    await expect(Promise.all(both)).resolves.toEqual([
      ['3', '4'],
      ['2', '3'],
    ]);
    expect(manager.stats().leases).toBe(0);
    await manager.evict('acme');
    await expect(say(acme, 'after an eviction')).resolves.toBe('5');
    acme.close();
    globex.close();
    await Promise.all([once(acme, 'close'), once(globex, 'close')]);
  });

  it('refuses a handshake as the middleware refuses a request', async () => {
    await expect(refusal('nobody')).resolves.toBe(404);
    isAllowed = false;
    await expect(refusal('acme')).resolves.toBe(404);
    isAllowed = true;
    await until(async () => manager.stats().leases === 0, 'a lease is left');
  });

  it('is no page', async () => {
    const response = await fetch(`http://acme.localhost:${port}/`).catch(() => undefined);
    expect(response === undefined || response.status === 426).toBe(true);
  });
});
