import { Router } from '@koa/router';
import type { Context } from 'koa';
import type { TenantOrmManager } from 'mikro-orm-multitenancy';
import type { AppState } from './app.ts';
import { html, sendPage } from './html.ts';
import type { HouseTenant } from './tenants.ts';

/** What needs no tenant: the health check on every host, and `/` on the base domain or an IP address. */
export function isPublic(ctx: Context, baseDomain: string): boolean {
  const isFront = ctx.hostname === baseDomain || /^[\d.]+$|^\[/.test(ctx.hostname);
  return ctx.path === '/health' || (ctx.path === '/' && isFront);
}

export function publicRoutes(manager: TenantOrmManager<HouseTenant>, baseDomain: string): Router<AppState> {
  const router = new Router<AppState>();
  // Says that this process answers. It asks no database: one that is away should not restart every server.
  router.get('/health', (ctx) => {
    const { handles } = manager.stats();
    ctx.body = { status: 'ok', openTenants: handles.open };
  });

  router.get('/', async (ctx, next) => {
    if (ctx.state.tenant !== undefined) {
      return next();
    }
    // A demo shows its tenants to everybody. Who your customers are is usually nobody's business.
    const { tenants } = await manager.catalog.list();
    const port = /:\d+$/.exec(ctx.host)?.[0] ?? '';
    sendPage(ctx, {
      title: 'Houses',
      colour: '#444',
      body: html`
        <h1>Houses, one database per tenant</h1>
        <ul>
          ${tenants.map(
            ({ id, name }) => html`
              <li>
                ${name}: <a href="//${id}.${baseDomain}${port}/">${id}.${baseDomain}</a>
                or <a href="/t/${id}">/t/${id}</a>
              </li>`,
          )}
        </ul>`,
    });
  });
  return router;
}
