import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bodyParser } from '@koa/bodyparser';
import Koa from 'koa';
import mount from 'koa-mount';
import { TenancyConfigurationError, type Tenant, type TenantOrmManager } from 'mikro-orm-multitenancy';
import { type DashboardOptions, dashboard } from 'mikro-orm-multitenancy/dashboard';
import { DashboardServer } from '../../support/dashboard/DashboardServer.ts';
import { TestTenants } from '../../support/manager/TestTenants.ts';

describe('who gets at the dashboard', () => {
  let tenants: TestTenants;
  let manager: TenantOrmManager<Tenant>;
  /** Open to everybody. */
  let server: DashboardServer;
  beforeAll(async () => {
    tenants = await TestTenants.create(['acme', 'globex']);
    manager = await tenants.manager();
    server = await DashboardServer.start(manager);
  }, 60_000);
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await tenants?.[Symbol.asyncDispose]();
  });

  const MIGRATE = '/operators/tenants/acme/migrate';

  it('says which option is missing or wrong', () => {
    const options = { authorize: () => true };
    for (const wrong of [
      {},
      { ...options, prefix: 'operators' },
      { ...options, prefix: '/operators/' },
      { ...options, actions: ['explode'] },
      { ...options, tenantsPerPage: 0 },
      { ...options, stranger: true },
    ]) {
      expect(() => dashboard(manager, wrong as unknown as DashboardOptions)).toThrow(TenancyConfigurationError);
    }
    expect(() => dashboard(manager, {} as DashboardOptions)).toThrow('authorize');
  });

  it('answers whoever is not authorized as an application without a dashboard, whatever is asked for', async () => {
    await using none = await DashboardServer.of();
    for (const refusal of [false, undefined, 1, 'true', Promise.resolve(false)]) {
      await using refusing = await DashboardServer.start(await tenants.manager(), {
        authorize: () => refusal as boolean,
      });
      for (const path of ['/operators', '/operators/tenants/acme', MIGRATE, '/operators/assets/x.css']) {
        for (const method of ['GET', 'POST']) {
          const [{ headers, ...answer }, { headers: own, ...plain }] = await Promise.all([
            refusing.send(path, { method }),
            none.send(path, { method }),
          ]);
          expect(answer).toEqual(plain);
          expect(answer.status).toBe(404);
          expect(Object.keys(headers)).toEqual(Object.keys(own));
        }
      }
    }
  });

  it('leaves every path outside of its prefix to the application', async () => {
    const asked: string[] = [];
    const pages = dashboard(manager, {
      prefix: '/operators',
      authorize: (ctx) => {
        asked.push(ctx.path);
        return true;
      },
    });
    await using server = await DashboardServer.of(pages, (ctx) => {
      ctx.body = 'the application';
    });
    for (const path of ['/', '/operators-of-others', '/tenants/acme']) {
      expect((await server.send(path)).body).toBe('the application');
    }
    expect(asked).toEqual([]);
  });

  it('has links that lead to it, mounted or by prefix, also below another path', async () => {
    const pages = dashboard(manager, { authorize: () => true });
    const within = new Koa();
    within.use(mount('/b', pages));
    await using mounted = await DashboardServer.of(mount('/a', pages), mount('/deep', within));
    for (const [path, base] of [
      ...[['/a', '/a'] as const, ['/a/', '/a'] as const, ['/a/servers', '/a'] as const],
      ...[['/deep/b', '/deep/b'] as const, ['/deep/b/?q=a', '/deep/b'] as const],
    ]) {
      const body = await mounted.page(path);
      expect(body).toContain(`href="${base}/servers"`);
      const style = /rel="stylesheet"[^>]*href="([^"]+)"/.exec(body)?.[1] ?? '';
      expect(style.startsWith(`${base}/assets/`)).toBe(true);
      expect((await mounted.send(style)).status).toBe(200);
    }
    await using prefixed = await DashboardServer.start(manager, { prefix: '/x/y' });
    expect(await prefixed.page('/x/y')).toContain('href="/x/y/servers"');
  });

  it('lets a page load nothing but its own style and script, and nobody else show it', async () => {
    const { headers, body } = await server.send('/operators');
    const nonce = /nonce="([^"]+)"/.exec(body)?.[1] ?? '';
    expect(headers['content-security-policy']).toBe(
      `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'; img-src data:; ` +
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
    });
    expect((await server.send('/operators')).headers['content-security-policy']).not.toContain(nonce);
    expect(body).not.toMatch(/<(?:style|script)>|\sstyle=|\son\w+=/);
  });

  it('keeps the secret of forms in a cookie that no script reads and no other site sends', async () => {
    await using server = await DashboardServer.start(manager);
    const { headers } = await server.send(MIGRATE);
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(/^tenancy-dashboard=[\w-]{43}; path=\/; samesite=strict; httponly$/),
    ]);
    server.app.proxy = true;
    const secure = await server.send(MIGRATE, { headers: { 'x-forwarded-proto': 'https' } });
    expect(secure.headers['set-cookie']).toEqual([
      expect.stringMatching(/^__Host-tenancy-dashboard=[\w-]{43}; path=\/; samesite=strict; secure; httponly$/),
    ]);
  });

  it('takes a change from its own form only', async () => {
    const begun: string[] = [];
    await using server = await DashboardServer.start(manager, {
      onAction: ({ action, state }) => void (state === 'begun' && begun.push(action)),
    });
    await using other = await DashboardServer.start(manager);
    const token = await server.tokenAt(MIGRATE);
    const [ofOther, changed] = [await other.tokenAt(MIGRATE), `${token.slice(1)}A`];
    const ofOtherForm = await server.tokenAt('/operators/tenants/globex/migrate');
    const { origin } = server;
    const fetched = (site: string) => ({ origin, 'sec-fetch-site': site });
    for (const [fields, headers] of [
      [{}, {}],
      [{ token: '' }, {}],
      [{ token: ofOther }, {}],
      [{ token: changed }, {}],
      [{ token: ofOtherForm }, {}],
      [{ token }, { cookie: '' }],
      [{ token }, { cookie: 'tenancy-dashboard=short' }],
      [{ token }, { origin: 'null' }],
      [{ token }, { origin: 'https://evil.example' }],
      [{ token }, { origin: '' }],
      [{ token }, fetched('cross-site')],
      [{ token }, fetched('same-site')],
      [{ token }, fetched('none')],
    ] as const) {
      expect((await server.post(MIGRATE, fields, headers)).status).toBe(403);
    }
    expect(begun).toEqual([]);
    expect((await server.post(MIGRATE, { token }, fetched('same-origin'))).status).toBe(303);
    expect(begun).toEqual(['migrate']);
  });

  it('changes nothing by GET, and takes nothing but forms of a moderate length', async () => {
    const token = await server.tokenAt(MIGRATE);
    expect((await server.send(`${MIGRATE}?token=${token}`)).status).toBe(200);
    const headers = { origin: server.origin, 'content-type': 'application/json' };
    expect((await server.send(MIGRATE, { method: 'POST', headers, body: JSON.stringify({ token }) })).status).toBe(415);
    expect((await server.post(MIGRATE, { token, more: 'x'.repeat(10_000) })).status).toBe(413);
    expect((await server.send('/operators/servers', { method: 'POST' })).status).toBe(404);
  });

  it('works behind a body parser', async () => {
    const pages = dashboard(manager, { prefix: '/operators', authorize: () => true });
    await using server = await DashboardServer.of(bodyParser(), pages);
    expect((await server.confirm(MIGRATE)).status).toBe(303);
    expect((await server.post(MIGRATE, { token: 'wrong' })).status).toBe(403);
  });

  it('answers what is no address of its own with 404', async () => {
    for (const path of [
      '/x',
      '/tenants/nobody',
      '/tenants/acme/explode',
      '/tenants/acme/migrate/x',
      '/tenants/%zz',
      '/runs/%00',
    ]) {
      const { status } = await server.send(`/operators${path}`);
      expect([path, status]).toEqual([path, 404]);
    }
  });
});
