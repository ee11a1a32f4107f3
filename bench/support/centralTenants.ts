import { TenantOrmManager } from 'mikro-orm-multitenancy';
import { entities } from './entities.ts';

/** Of the application at `t0.example.com` and so on. */
export const tenantId = (index: number): string => `t${index}`;

/** Makes a central database of an empty one, with a tenant for each of `databases`: what a deployment does before it serves. */
export async function writeTenants(url: string, central: string, databases: readonly string[]): Promise<void> {
  const manager = await TenantOrmManager.init({
    orm: { entities: entities(1) },
    server: { url },
    central: { database: central },
  });
  await manager.central.migrate();
  for (const [index, database] of databases.entries()) {
    await manager.central.tenants.create({ id: tenantId(index), database });
  }
  await manager.close();
}
