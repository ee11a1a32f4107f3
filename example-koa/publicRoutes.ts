import { Router } from '@koa/router';
import { RequestContext } from '@mikro-orm/core';
import type { Context } from 'koa';
import type { AppState } from './app.ts';
import { Plan } from './central/Plan.ts';
import { html, sendPage } from './html.ts';
import type { HouseManager } from './manager.ts';

/** What is no tenant's: `/` and `/sign-up` on the base domain or an IP address. */
export function isFront(ctx: Context, baseDomain: string): boolean {
  const isBaseDomain = ctx.hostname === baseDomain || /^[\d.]+$|^\[/.test(ctx.hostname);
  return isBaseDomain && (ctx.path === '/' || ctx.path === '/sign-up');
}

export function publicRoutes(manager: HouseManager, addressOf: (id: string, host: string) => string): Router<AppState> {
  const router = new Router<AppState>();
  router.get('/', async (ctx, next) => {
    if (ctx.state.tenant !== undefined) {
      return next();
    }
    // A demo shows its tenants to everybody. Who your customers are is usually nobody's business.
    const { tenants } = await manager.catalog.list();
    const free = await RequestContext.getEntityManager('central')?.findOneOrFail(Plan, 'free');
    sendPage(ctx, {
      title: 'Houses',
      colour: '#444444',
      body: html`
        <h1>Houses, one database per tenant</h1>
        <ul>
          ${tenants.map(
            ({ id, name }) => html`
              <li>${name}: <a href="${addressOf(id, ctx.host)}">${addressOf(id, ctx.host)}</a> or <a href="/t/${id}">/t/${id}</a></li>`,
          )}
        </ul>
        <h2>Sign up</h2>
        <form method="post" action="/sign-up">
          <label>Subdomain <input name="id" required maxlength="40" pattern="[a-z0-9]([a-z0-9\\-]*[a-z0-9])?"></label>
          <label>Name <input name="name" required maxlength="60"></label>
          <button>Start with ${free?.houses ?? 0} houses</button>
        </form>`,
    });
  });
  return router;
}
