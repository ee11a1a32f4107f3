// Checked by `npm run typecheck`; never run. What the types of an application over libSQL become.
import { defineEntity, p } from '@mikro-orm/core';
import { type LibSqlDriver, SqlEntityManager } from '@mikro-orm/libsql';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { libsqlDatabases } from 'mikro-orm-multitenancy/libsql';
import { type Equal, expectType } from './expectType.ts';

const House = defineEntity({ name: 'House', properties: { id: p.integer().primary(), address: p.string() } });

class AppEntityManager extends SqlEntityManager<LibSqlDriver> {
  houses(): Promise<number> {
    return this.count(House);
  }
}

const databases = libsqlDatabases({ folder: 'tenants' });
const catalog = new StaticCatalog([{ id: 'acme', database: 'acme' }]);

export async function inferred(): Promise<void> {
  const manager = await TenantOrmManager.init({ databases, orm: { entities: [House] }, catalog });
  await manager.run('acme', async (em) => {
    expectType<Equal<typeof em extends SqlEntityManager<LibSqlDriver> ? true : false, true>>();
    // @ts-expect-error a method of PostgreSQL's EntityManager
    void em.refreshMaterializedView;
    const [row] = await em.getKysely().selectFrom('house').select('address').execute();
    expectType<Equal<typeof row, { address: string } | undefined>>();
  });
  await using lease = await manager.acquire('acme');
  expectType<Equal<typeof lease.orm.driver extends LibSqlDriver ? true : false, true>>();
}

export async function entityManager(): Promise<void> {
  const orm = { entities: [House], entityManager: AppEntityManager };
  const manager = await TenantOrmManager.init({ databases, orm, catalog });
  await manager.run('acme', (em) => em.houses());
}

export function refused(): void {
  // @ts-expect-error a tenant's file is open once
  libsqlDatabases({ folder: 'tenants', maxConnectionsPerTenant: 2 });
  // @ts-expect-error databases are local files
  libsqlDatabases({ folder: 'tenants', syncUrl: 'libsql://acme.example.com' });
}
