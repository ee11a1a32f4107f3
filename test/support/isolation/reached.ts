import type { EntityManager } from '@mikro-orm/core';

/** Which tenant's database an EntityManager reaches: the names of {@link TenantDatabases} hold the id. */
export async function tenantReached(em: EntityManager): Promise<string> {
  const sql = em as EntityManager & { execute(query: string): Promise<{ name: string }[]> };
  const [row] = await sql.execute('select current_database() as name');
  return tenantOf(row?.name ?? '');
}

/** `isolation_acme_0a1b2c3d4e` → `acme` */
export function tenantOf(database: string): string {
  return database.split('_')[1] ?? '';
}
