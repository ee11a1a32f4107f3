import { describe, expect, it } from '@jest/globals';
import { adminQuery } from '../../support/databases.ts';
import { House } from '../../support/manager/TestTenants.ts';
import { LifeWorld } from '../../support/provisioning/LifeWorld.ts';

describe('provision', () => {
  it('makes a tenant that works at once, from a template that is built once', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    const tenant = await manager.provision({ id: 'acme', domains: ['acme.com'] });
    expect(tenant).toMatchObject({
      id: 'acme',
      status: 'active',
      database: world.databaseOf('acme'),
      domains: ['acme.com'],
    });
    const houses = await manager.run('acme', async (em) => {
      em.create(House, { address: 'Elm Street 1' });
      await em.flush();
      return em.fork().find(House, {});
    });
    expect(houses).toHaveLength(1);
    await manager.provision({ id: 'globex' });
    expect(await manager.run('globex', (em) => em.count(House))).toBe(0);
    expect(await world.databases()).toEqual([world.databaseOf('acme'), world.databaseOf('globex')]);
    expect(await manager.migrator('globex').getPending()).toEqual([]);
  });

  it('writes down what it did', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager({ provisioning: { seed: () => {} } });
    await manager.provision({ id: 'acme' });
    const [operation] = await manager.operations();
    expect(operation).toMatchObject({ kind: 'provision', tenantId: 'acme', state: 'done' });
    expect(operation?.done.map(({ step }) => step)).toEqual(['row', 'database', 'name', 'seed', 'active']);
  });

  it('closes the database to everybody but its owner', async () => {
    await using world = await LifeWorld.create();
    const manager = await world.manager();
    await manager.provision({ id: 'acme' });
    const [open] = await adminQuery<{ open: boolean }>(
      `select exists (select 1 from aclexplode(datacl) where grantee = 0) as open from pg_database where datname = $1`,
      [world.databaseOf('acme')],
    );
    expect(open?.open).toBe(false);
  });
});
