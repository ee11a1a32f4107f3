import { expect } from '@jest/globals';
import { RequestContext } from '@mikro-orm/core';
import { byDomain, bySubdomain, tenancy, trustResolution } from 'mikro-orm-multitenancy/koa';
import { expectIsolated } from 'mikro-orm-multitenancy/testing';
import { House, Person } from '../isolation/entities.ts';
import { KoaServer } from '../koa/KoaServer.ts';
import type { KindWorld } from './KindWorld.ts';

/** Each tenant's own rows behind Koa, by MikroORM's own EntityManager and by `manager.em`. */
export async function expectServedByKoa({ manager }: KindWorld, rounds: number): Promise<void> {
  let id = 1_000;
  await using server = await KoaServer.start(
    tenancy(manager, { resolve: [bySubdomain('example.com'), byDomain()], authorize: trustResolution }),
    async (ctx) => {
      const em = RequestContext.getEntityManager();
      if (ctx.method === 'POST') {
        id += 1;
        await manager.em.transactional(async (inner) => {
          await inner.insert(Person, { id, name: `${ctx.get('x-marker')} ${id}` });
        });
      }
      const houses = (await em?.find(House, {}, { orderBy: { id: 1 } })) ?? [];
      ctx.body = [houses.map(({ address }) => address), (await manager.em.find(Person, {})).map(({ name }) => name)];
    },
  );
  expect((await server.send('acme.example.com')).body).toContain('acme house 1');
  expect((await server.send('globex.com')).body).not.toContain('acme');
  expect((await server.send('nobody.example.com')).status).toBe(404);
  await expectIsolated({
    manager,
    tenants: ['acme', 'globex'],
    fill: (em, marker) => {
      em.create(Person, { id: 900, name: marker });
    },
    request: (tenant, method, marker) => server.send(`${tenant}.example.com`, '/', { 'x-marker': marker }, method),
    routes: ['GET', 'POST'] as const,
    rounds,
  });
  expect(server.errors).toEqual([]);
}
