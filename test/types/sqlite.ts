// Checked by `npm run typecheck`; never run. What the types of an application over SQLite become.
import { defineEntity, p } from '@mikro-orm/core';
import { SqlEntityManager, type SqliteDriver } from '@mikro-orm/sqlite';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { tenantProcessor } from 'mikro-orm-multitenancy/bullmq';
import { bySubdomain, tenancy, tenancyHealth, trustResolution } from 'mikro-orm-multitenancy/koa';
import { instrumentTenancy } from 'mikro-orm-multitenancy/opentelemetry';
import { tenancyMetrics } from 'mikro-orm-multitenancy/prometheus';
import { sqliteDatabases } from 'mikro-orm-multitenancy/sqlite';
import { type Equal, expectType } from './expectType.ts';

const House = defineEntity({
  name: 'House',
  properties: { id: p.integer().primary(), address: p.string(), rooms: p.integer().nullable() },
});
const orm = { entities: [House] };
const databases = sqliteDatabases({ folder: 'tenants' });
const catalog = new StaticCatalog([{ id: 'acme', database: 'acme', plan: 'gold' }]);

export async function inferred(): Promise<void> {
  const manager = await TenantOrmManager.init({ databases, orm, catalog });
  await manager.run('acme', async (em, tenant) => {
    expectType<Equal<typeof tenant.plan, string>>();
    expectType<Equal<ReturnType<typeof em.getDriver> extends SqliteDriver ? true : false, true>>();
    // @ts-expect-error a method of PostgreSQL's EntityManager
    void em.refreshMaterializedView;
    const houses = await em.find(House, { rooms: { $gt: 2 } });
    expectType<Equal<(typeof houses)[number]['address'], string>>();
    const [row] = await em.getKysely().selectFrom('house').select(['address', 'rooms']).execute();
    expectType<Equal<typeof row, { address: string; rooms: number | null } | undefined>>();
  });
  await using lease = await manager.acquire('acme');
  expectType<Equal<typeof lease.orm.driver extends SqliteDriver ? true : false, true>>();
  tenancy(manager, { resolve: bySubdomain('example.com'), authorize: trustResolution });
  tenancyHealth(manager);
  tenancyMetrics(manager);
  instrumentTenancy(manager);
  tenantProcessor(manager, (_job, { em }) => em.count(House));
}

class AppEntityManager extends SqlEntityManager<SqliteDriver> {
  houses(): Promise<number> {
    return this.count(House);
  }
}

export async function entityManager(): Promise<void> {
  const manager = await TenantOrmManager.init({ databases, orm: { ...orm, entityManager: AppEntityManager }, catalog });
  const count = await manager.run('acme', (em) => em.houses());
  expectType<Equal<typeof count, number>>();
}

export async function refused(): Promise<void> {
  // @ts-expect-error either a server or databases
  await TenantOrmManager.init({ databases, server: 'postgresql://localhost', orm, catalog });
  // @ts-expect-error a database is never an option of all tenants
  await TenantOrmManager.init({ databases, orm: { ...orm, dbName: 'acme' }, catalog });
  // @ts-expect-error nothing is attached to every tenant's database
  await TenantOrmManager.init({ databases, orm: { ...orm, attachDatabases: [] }, catalog });
  // @ts-expect-error the central database is PostgreSQL's
  await TenantOrmManager.init({ databases, orm, central: { database: 'central' } });
}
