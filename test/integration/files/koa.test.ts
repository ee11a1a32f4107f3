import { describe, expect, it } from '@jest/globals';
import { RequestContext } from '@mikro-orm/core';
import { byDomain, bySubdomain, tenancy, trustResolution } from 'mikro-orm-multitenancy/koa';
import { expectIsolated } from 'mikro-orm-multitenancy/testing';
import { KINDS } from '../../support/files/kinds.ts';
import { SqliteWorld } from '../../support/files/SqliteWorld.ts';
import { House, Person } from '../../support/isolation/entities.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';

describe.each(KINDS)('%s: Koa over files of SQLite', (_name, kind) => {
  it("serves each tenant its own rows, by MikroORM's own EntityManager and by manager.em", async () => {
    await using world = await SqliteWorld.create({
      kind,
      files: { acquireTimeoutMs: 20_000, lockTimeoutMs: 20_000 },
    });
    const { manager } = world;
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
      rounds: 10,
    });
    expect(server.errors).toEqual([]);
  });

  it('answers 503 with Retry-After while another transaction keeps the file locked', async () => {
    await using world = await SqliteWorld.create({ kind, files: { lockTimeoutMs: 50 } });
    const { manager } = world;
    await using server = await KoaServer.start(
      tenancy(manager, { resolve: bySubdomain('example.com'), authorize: trustResolution }),
      async (ctx) => {
        await manager.em.insert(Person, { id: 500, name: 'late' });
        ctx.body = 'done';
      },
    );
    await manager.run('acme', (em) =>
      em.transactional(async (inner) => {
        await inner.insert(Person, { id: 400, name: 'first' });
        expect(await server.send('acme.example.com')).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
        expect(await server.send('globex.example.com')).toMatchObject({ status: 200, body: 'done' });
      }),
    );
    expect((await server.send('acme.example.com')).status).toBe(200);
  });
});
