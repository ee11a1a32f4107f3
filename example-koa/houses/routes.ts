import { Router } from '@koa/router';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { Context } from 'koa';
import type { TenancyState } from 'mikro-orm-multitenancy/koa';
import type { HouseTenant } from '../central/Customer.ts';
import { House } from '../entities/House.ts';
import { body } from '../readBody.ts';
import { checked, houseId, housePage, partOfHouse, wholeHouse } from './houseInput.ts';

/** CRUD of houses. Nothing in here knows of tenants: `em` is the current tenant's, whichever that is. */
export function houseRoutes(em: EntityManager): Router<TenancyState<HouseTenant>> {
  const router = new Router<TenancyState<HouseTenant>>();

  async function findHouse(ctx: Context, id: number): Promise<House> {
    return (await em.findOne(House, id)) ?? ctx.throw(404, 'There is no such house.');
  }

  router.get('/houses', async (ctx) => {
    const { after, limit } = checked(ctx, 400, housePage, { ...ctx.query });
    const houses = await em.find(House, { id: { $gt: after } }, { orderBy: { id: 'asc' }, limit: limit + 1 });
    const page = houses.slice(0, limit);
    ctx.body = { houses: page, next: houses.length > limit ? page.at(-1)?.id : null };
  });

  router.get('/houses/:id', async (ctx) => {
    ctx.body = await findHouse(ctx, houseId(ctx));
  });

  router.post('/houses', body('json', 'urlencoded'), async (ctx) => {
    const house = em.create(House, checked(ctx, 422, wholeHouse, ctx.request.body));
    await em.flush();
    if (ctx.is('urlencoded')) {
      ctx.status = 303;
      ctx.redirect(`${ctx.state.tenantPath}/`);
      return;
    }
    ctx.status = 201;
    ctx.set('Location', `${ctx.state.tenantPath}/houses/${house.id}`);
    ctx.body = house;
  });

  router.put('/houses/:id', body('json'), async (ctx) => {
    const house = await findHouse(ctx, houseId(ctx));
    em.assign(house, checked(ctx, 422, wholeHouse, ctx.request.body));
    await em.flush();
    ctx.body = house;
  });

  router.patch('/houses/:id', body('json'), async (ctx) => {
    const house = await findHouse(ctx, houseId(ctx));
    em.assign(house, checked(ctx, 422, partOfHouse, ctx.request.body));
    await em.flush();
    ctx.body = house;
  });

  router.delete('/houses/:id', async (ctx) => {
    em.remove(await findHouse(ctx, houseId(ctx)));
    await em.flush();
    ctx.status = 204;
  });

  return router;
}
