import { once } from 'node:events';
import { type IncomingMessage, request, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DashboardActionEvent } from 'mikro-orm-multitenancy/dashboard';
import { close, listen, portOf } from '../httpServer.ts';
import { buildOperatorsApp } from '../operators.ts';
import { type Answer, ExampleServer, type Sent } from './ExampleServer.ts';

const PASSWORD = 'a secret of operators';
const basic = (name: string, password: string): string =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
const ada = { authorization: basic('ada', PASSWORD) };
const SUSPEND = '/tenants/acme/suspend';

describe('the pages for operators', () => {
  const audit: DashboardActionEvent[] = [];
  const errors: unknown[] = [];
  let server: ExampleServer;
  let operators: Server;

  beforeAll(async () => {
    server = await ExampleServer.start();
    const app = buildOperatorsApp({
      manager: server.manager,
      password: PASSWORD,
      audit: (event) => void audit.push(event),
    });
    app.on('error', (error: unknown) => errors.push(error));
    operators = await listen(app.callback(), { port: 0, host: '127.0.0.1' });
  }, 60_000);
  afterAll(async () => {
    await close(operators, 0);
    await server[Symbol.asyncDispose]();
    expect([...errors, ...server.errors]).toEqual([]);
  });

  const origin = (): string => `http://127.0.0.1:${portOf(operators)}`;

  async function send(path: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Answer> {
    const sent = request(`${origin()}${path}`, { method, headers, agent: false });
    sent.end(body as string | undefined);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) };
  }

  /** Opens the form at this path and sends it, as a browser does. */
  async function confirm(path: string, more: Record<string, string> = {}): Promise<Answer> {
    const form = await send(path, { headers: ada });
    const [cookie = ''] = (form.headers['set-cookie'] ?? []).map((each) => each.split(';')[0] ?? '');
    const [, token = ''] = /name="token" value="([^"]+)"/.exec(form.text) ?? [];
    return send(path, {
      method: 'POST',
      headers: { ...ada, cookie, origin: origin(), 'content-type': 'application/x-www-form-urlencoded', ...more },
      body: new URLSearchParams({ token }).toString(),
    });
  }

  it.each([
    ['nobody', {}],
    ['another password', { authorization: basic('ada', 'a secret of nobody') }],
    ['no name', { authorization: basic('', PASSWORD) }],
    ['a name with markup', { authorization: basic('<b>', PASSWORD) }],
    ['a password alone', { authorization: `Basic ${Buffer.from(PASSWORD).toString('base64')}` }],
    ['another scheme', { authorization: `Bearer ${PASSWORD}` }],
  ])('are closed to %s, and tell nothing', async (_who, headers) => {
    for (const path of ['/', '/tenants/acme', SUSPEND, '/metrics', '/nothing']) {
      const answer = await send(path, { headers });
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^Basic /)]);
      expect(JSON.parse(answer.text)).toEqual({ error: { code: 'UNAUTHORIZED', message: 'Log in as an operator.' } });
    }
    expect((await send(SUSPEND, { method: 'POST', headers })).status).toBe(401);
    expect((await server.manager.catalog.find('acme'))?.status).toBe('active');
  });

  it('show the tenants', async () => {
    const { status, text: page } = await send('/', { headers: ada });
    expect(status).toBe(200);
    for (const { id } of server.tenants) {
      expect(page).toContain(`href="/tenants/${id}"`);
    }
    expect((await send('/tenants/globex', { headers: ada })).text).toContain('Globex Estates');
  });

  it('suspend a tenant, and no other one, by a form of their own only, and say who did it', async () => {
    expect((await confirm(SUSPEND, { origin: 'http://acme.localhost:3000' })).status).toBe(403);
    expect((await confirm(SUSPEND, { 'sec-fetch-site': 'same-site' })).status).toBe(403);
    expect((await server.send('acme.localhost', '/houses')).status).toBe(200);
    expect(audit).toEqual([]);

    expect((await confirm(SUSPEND)).status).toBe(303);
    // As if it did not exist, since nobody is asked who he is.
    expect((await server.send('acme.localhost', '/houses')).status).toBe(404);
    expect((await server.send('globex.localhost', '/houses')).status).toBe(200);
    expect((await confirm('/tenants/acme/resume')).status).toBe(303);
    expect((await server.send('acme.localhost', '/houses')).status).toBe(200);
    expect(audit.map(({ action, tenantId, by, state }) => [action, tenantId, by, state])).toEqual([
      ['suspend', 'acme', 'ada', 'begun'],
      ['suspend', 'acme', 'ada', 'done'],
      ['resume', 'acme', 'ada', 'begun'],
      ['resume', 'acme', 'ada', 'done'],
    ]);
  });

  it('have metrics, without a tenant in them', async () => {
    await server.send('acme.localhost', '/houses');
    const { status, headers, text: metrics } = await send('/metrics', { headers: ada });
    expect([status, headers['content-type']]).toEqual([200, expect.stringMatching(/^text\/plain/)]);
    expect(metrics).toMatch(/^tenancy_run_duration_seconds_count\{code="OK"\} [1-9]/m);
    expect(metrics).toMatch(/^tenancy_tenants\{state="open"\} [1-9]/m);
    for (const { id, database } of server.tenants) {
      expect(metrics).not.toMatch(new RegExp(`${id}|${database}`));
    }
  });

  it('are nowhere in the application of the tenants', async () => {
    for (const host of ['localhost', '127.0.0.1', 'acme.localhost', 'acme.example']) {
      for (const path of ['/metrics', '/operators', '/tenants/acme', SUSPEND]) {
        expect([host, path, (await server.send(host, path, { headers: ada })).status]).toEqual([host, path, 404]);
      }
    }
  });
});

describe('what is looked at from outside', () => {
  it('is whether the process lives and can serve, on every host, and nothing more', async () => {
    await using server = await ExampleServer.start();
    for (const host of ['localhost', 'acme.localhost', 'nobody.example', '10.0.0.1']) {
      expect(await server.send(host, '/health/live')).toMatchObject({ status: 200, text: '{"status":"live"}' });
      expect(await server.send(host, '/health/ready')).toMatchObject({ status: 200, text: '{"status":"ready"}' });
      expect((await server.send(host, '/health')).status).toBe(404);
    }
    await server.manager.close();
    expect((await server.send('localhost', '/health/live')).status).toBe(200);
    expect((await server.send('localhost', '/health/ready')).status).toBe(503);
  }, 60_000);
});

describe('the log', () => {
  it('has slow statements, each with the tenant whose database it is in', async () => {
    const lines: string[] = [];
    await using server = await ExampleServer.start({ log: (line) => lines.push(line) });
    const { manager } = server;
    await manager.run('acme', async (em) => {
      await em.execute('select 1 as quick');
      await manager.run('globex', (other) => other.execute("select pg_sleep(0.25), 'slow in globex'"));
      await em.execute("select pg_sleep(0.25), 'slow in acme'");
    });
    const slow = lines.filter((line) => line.includes('slow in'));
    expect(slow).toHaveLength(2);
    expect(slow[0]).toMatch(/\(globex\).*slow in globex/);
    expect(slow[1]).toMatch(/\(acme\).*slow in acme/);
    expect(lines.join('\n')).not.toContain('as quick');
  }, 60_000);
});
