// Checked by `npm run typecheck`; never run. What the types of an application over PGlite become.
import { defineEntity, p } from '@mikro-orm/core';
import type { PgliteDriver } from '@mikro-orm/pglite';
import { StaticCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { pgliteDatabases } from 'mikro-orm-multitenancy/pglite';
import { type Equal, expectType } from './expectType.ts';

const House = defineEntity({ name: 'House', properties: { id: p.integer().primary(), address: p.string() } });

export async function inferred(): Promise<void> {
  const manager = await TenantOrmManager.init({
    databases: pgliteDatabases({ folder: 'tenants' }),
    orm: { entities: [House] },
    catalog: new StaticCatalog([{ id: 'acme', database: 'acme', plan: 'gold' }]),
  });
  await manager.run('acme', async (em, tenant) => {
    expectType<Equal<typeof tenant.plan, string>>();
    expectType<Equal<ReturnType<typeof em.getDriver> extends PgliteDriver ? true : false, true>>();
    // A method of PostgreSQL's EntityManager.
    await em.refreshMaterializedView(House);
    const [house] = await em.find(House, {});
    expectType<Equal<typeof house extends { address: string } | undefined ? true : false, true>>();
  });
}
