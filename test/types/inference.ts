// Checked by `npm run typecheck`; never run. What an application's own types become in its handlers.
import { defineEntity, p } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import type { Middleware } from 'koa';
import { StaticCatalog, type TenantCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { bySubdomain, tenancy } from 'mikro-orm-multitenancy/koa';
import { type Equal, expectType } from './expectType.ts';

const House = defineEntity({
  name: 'House',
  properties: { id: p.integer().primary(), address: p.string(), rooms: p.integer().nullable() },
});
const orm = { entities: [House] };
const server = 'postgresql://localhost';

export async function tenantColumns(): Promise<void> {
  const catalog = new StaticCatalog([{ id: 'acme', database: 'acme', plan: 'gold', seats: 5 }]);
  const manager = await TenantOrmManager.init({ orm, server, catalog });

  await manager.run('acme', (_em, tenant) => {
    expectType<Equal<typeof tenant.plan, string>>();
    expectType<Equal<typeof tenant.seats, number>>();
    // @ts-expect-error no such column
    void tenant.colour;
  });
  expectType<Equal<ReturnType<typeof manager.requireTenant>['seats'], number>>();
  await manager.each((_em, tenant) => tenant.seats, { where: (tenant) => tenant.plan === 'gold' });

  const middleware: Middleware<{ tenant: { plan: string } }> = tenancy(manager, {
    resolve: bySubdomain('example.com'),
    authorize: (_ctx, tenant) => tenant.seats > 0,
  }) as never;
  void middleware;
  // @ts-expect-error `authorize` is required
  tenancy(manager, { resolve: bySubdomain('example.com') });
}

export async function entities(catalog: TenantCatalog): Promise<void> {
  const manager = await TenantOrmManager.init({ orm, server, catalog });

  const addresses = await manager.run('acme', async (em) => {
    const houses = await em.find(House, { rooms: { $gt: 2 } });
    const first = houses[0];
    expectType<Equal<(typeof houses)[number]['address'], string>>();
    // @ts-expect-error no such property
    await em.find(House, { colour: 'red' });
    const [row] = await em.getKysely().selectFrom('house').select(['address', 'rooms']).execute();
    expectType<Equal<typeof row, { address: string; rooms: number | null } | undefined>>();
    return first?.address;
  });
  expectType<Equal<typeof addresses, string | undefined>>();

  await using lease = await manager.acquire('acme');
  const counted = await lease.orm.em.fork().count(House);
  expectType<Equal<typeof counted, number>>();
}

class AppEntityManager extends EntityManager {
  houses(): Promise<number> {
    return this.count(House);
  }
}

export async function entityManager(catalog: TenantCatalog): Promise<void> {
  const manager = await TenantOrmManager.init({ orm: { ...orm, entityManager: AppEntityManager }, server, catalog });
  const count = await manager.run('acme', (em) => em.houses());
  expectType<Equal<typeof count, number>>();
  await manager.em.houses();
}

export async function refused(catalog: TenantCatalog): Promise<void> {
  // @ts-expect-error a database is never an option of all tenants
  await TenantOrmManager.init({ orm: { ...orm, dbName: 'acme' }, server, catalog });
  // @ts-expect-error the context belongs to the library
  await TenantOrmManager.init({ orm: { ...orm, contextName: 'acme' }, server, catalog });
}
