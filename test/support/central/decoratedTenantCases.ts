import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { EntityClass } from '@mikro-orm/core';
import type { CentralOptions, TenantEntity, TenantOf, TenantOrmManager } from 'mikro-orm-multitenancy';
import { CentralWorld } from './CentralWorld.ts';
import { Plan, PlanMigration } from './customers.ts';

/** What an application's tenant declares: the columns of `PlanMigration`. */
export interface Decorated extends TenantEntity {
  tier: string;
  seats?: number | null;
}

/** A class of tenants made by decorators is as good as one made by `defineEntity`. */
export function decoratedTenantCases(Tenant: new () => Decorated): void {
  let world: CentralWorld;
  let manager: TenantOrmManager<TenantOf<new () => Decorated>>;
  beforeAll(async () => {
    world = await CentralWorld.create({ isMigrated: false });
    const central: Partial<CentralOptions<new () => Decorated>> = {
      tenant: Tenant,
      orm: { entities: [Plan], migrations: { migrationsList: [PlanMigration] } },
    };
    manager = await world.managerOf(central);
    await manager.central.migrate();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('has its columns in the tenants that are given out', async () => {
    const created = await manager.central.tenants.create({ id: 'acme', tier: 'gold', domains: ['acme.com'] });
    expect(created).toMatchObject({ id: 'acme', tier: 'gold', seats: null, database: 'acme', status: 'active' });
    expect(await manager.catalog.findByDomain('acme.com')).toEqual(created);
    expect(await manager.central.tenants.update('acme', { seats: 3 })).toMatchObject({ seats: 3, tier: 'gold' });
    expect(Object.keys(created)).not.toContain('label');
  });

  it('is an entity of the central database, with the lock that goes by the revision', async () => {
    await manager.central.run(async (em) => {
      const row = await em.findOneOrFail(Tenant as EntityClass<Decorated>, { id: 'acme' });
      expect(row).toBeInstanceOf(Tenant);
      row.tier = 'silver';
      await em.flush();
      expect(row.revision).toBe((await manager.central.tenants.update('acme', {})).revision);
    });
  });

  it('has a table in which the schema generator finds nothing to change', async () => {
    expect(await manager.central.orm.schema.getUpdateSchemaSQL()).toBe('');
  });
}
