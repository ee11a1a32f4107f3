import { Router } from '@koa/router';
import type { Context, Next } from 'koa';
import { TenancyConfigurationError, TenancyError } from 'mikro-orm-multitenancy';
import { z } from 'zod';
import type { AppState } from './app.ts';
import { checked } from './houses/houseInput.ts';
import { html, sendPage } from './html.ts';
import type { HouseManager } from './manager.ts';
import { body } from './readBody.ts';

/** Room is left for the prefix of the database's name, of which PostgreSQL takes 63 bytes. */
const input = z.strictObject({
  id: z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/, 'Takes 1 to 40 characters of a-z, 0-9 and "-"'),
  name: z.string().trim().min(1).max(60),
  colour: z
    .string()
    .regex(/^#[0-9a-f]{6}$/i, 'Takes a colour as #0b57d0')
    .default('#5e35b1'),
});

/** `POST /sign-up` on the base domain: a new tenant, which starts on the free plan. */
export function signUpRoutes(manager: HouseManager, addressOf: (id: string, host: string) => string): Router<AppState> {
  const router = new Router<AppState>();
  // A tenant has no such page.
  const onlyInFront = (ctx: Context, next: Next) => (ctx.state.tenant === undefined ? next() : undefined);
  router.post('/sign-up', onlyInFront, body('json', 'urlencoded'), async (ctx) => {
    const tenant = checked(ctx, 422, input, ctx.request.body);
    try {
      await manager.provision(tenant);
    } catch (error) {
      if (error instanceof TenancyConfigurationError) {
        ctx.throw(422, `"${tenant.id}" cannot be a name. Choose another one.`);
      }
      if (error instanceof TenancyError && error.status === 409) {
        ctx.throw(409, `"${tenant.id}" is taken. Choose another name.`);
      }
      ctx.app.emit('error', error, ctx);
      ctx.throw(503, `"${tenant.id}" could not be made now, and nothing of it was kept. Try again later.`, {
        expose: true,
      });
    }
    const address = addressOf(tenant.id, ctx.host);
    ctx.set('Location', address);
    ctx.status = 201;
    if (ctx.is('urlencoded')) {
      sendPage(ctx, {
        title: tenant.name,
        colour: tenant.colour,
        body: html`<h1>${tenant.name} is ready</h1><p><a href="${address}">${address}</a></p>`,
      });
      return;
    }
    ctx.body = { id: tenant.id, address };
  });
  return router;
}
