import { describe, expect, it } from '@jest/globals';
import { bySubdomain, tenancy, trustResolution } from 'mikro-orm-multitenancy/koa';
import { KINDS } from '../../support/files/kinds.ts';
import { SqliteWorld } from '../../support/files/SqliteWorld.ts';
import { Person } from '../../support/isolation/entities.ts';
import { expectServedByKoa } from '../../support/kinds/expectServedByKoa.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';

describe.each(KINDS)('%s: Koa over files of SQLite', (_name, kind) => {
  it("serves each tenant its own rows, by MikroORM's own EntityManager and by manager.em", async () => {
    await using world = await SqliteWorld.create({
      kind,
      files: { acquireTimeoutMs: 20_000, lockTimeoutMs: 20_000 },
    });
    await expectServedByKoa(world, 10);
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
