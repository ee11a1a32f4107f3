import { describe, expect, it } from '@jest/globals';
import { bySubdomain, tenancy, trustResolution } from 'mikro-orm-multitenancy/koa';
import { House } from '../../support/isolation/entities.ts';
import { expectServedByKoa } from '../../support/kinds/expectServedByKoa.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';
import { LibsqlWorld } from '../../support/libsql/LibsqlWorld.ts';

describe('Koa over files of libSQL', () => {
  it("serves each tenant its own rows, by MikroORM's own EntityManager and by manager.em", async () => {
    await using world = await LibsqlWorld.create({ files: { acquireTimeoutMs: 20_000 } });
    await expectServedByKoa(world, 5);
  });

  it('answers 503 with Retry-After while somebody else has the file, and serves the other tenants', async () => {
    await using world = await LibsqlWorld.create();
    const owner = await world.another({ orm: { migrations: {} } });
    await owner.run('acme', (em) => em.count(House));
    const { manager } = world;
    await using server = await KoaServer.start(
      tenancy(manager, { resolve: bySubdomain('example.com'), authorize: trustResolution }),
      async (ctx) => {
        ctx.body = String(await manager.em.count(House));
      },
    );
    server.app.silent = true;
    expect(await server.send('acme.example.com')).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(await server.send('globex.example.com')).toMatchObject({ status: 200, body: '3' });
    await owner.close();
  });
});
