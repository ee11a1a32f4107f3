import { Router } from '@koa/router';
import { RequestContext } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { TenancyState } from 'mikro-orm-multitenancy/koa';
import type { HouseTenant } from './central/Customer.ts';
import { Plan } from './central/Plan.ts';
import { House } from './entities/House.ts';
import { html, sendPage } from './html.ts';

const SHOWN = 100;

/** `/` of a tenant: its houses, and a form for another one. */
export function tenantPage(em: EntityManager): Router<TenancyState<HouseTenant>> {
  const router = new Router<TenancyState<HouseTenant>>();
  router.get('/', async (ctx) => {
    const { tenant, tenantPath } = ctx.state;
    const houses = await em.find(House, {}, { orderBy: { id: 'asc' }, limit: SHOWN });
    const [server] = await em.execute<[{ database: string }]>('select current_database() as database');
    // Beside the tenant's database: what all tenants share.
    const plan = await RequestContext.getEntityManager('central')?.findOneOrFail(Plan, tenant.plan);
    sendPage(ctx, {
      title: tenant.name,
      colour: tenant.colour,
      body: html`
        <h1>${tenant.name}</h1>
        <p>Tenant <b>${tenant.id}</b>, database <b>${server.database}</b>. <a href="${tenantPath}/houses">JSON</a></p>
        <p>Plan: ${plan?.title ?? ''}, up to ${plan?.houses ?? 0} houses.</p>
        <table>
          <tr><th>Id</th><th>Address</th><th>Description</th><th>Since</th></tr>
          ${houses.map(
            ({ id, address, description, createdAt }) => html`
              <tr><td>${id}</td><td>${address}</td><td>${description}</td><td>${createdAt.toISOString().slice(0, 10)}</td></tr>`,
          )}
        </table>
        <h2>Another house</h2>
        <form method="post" action="${tenantPath}/houses">
          <label>Address <input name="address" required maxlength="200"></label>
          <label>Description <textarea name="description" maxlength="2000"></textarea></label>
          <button>Add</button>
        </form>`,
    });
  });
  return router;
}
