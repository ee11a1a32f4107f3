import type { Tenant } from 'mikro-orm-multitenancy';
import { adminQuery, createDatabase, dropDatabase, sessionsIn, uniqueName } from '../databases.ts';
import { schema, seed, tables } from './entities.ts';

/** A database for each of some tenants, with equal tables and equal primary keys. */
export class TenantDatabases implements AsyncDisposable {
  readonly tenants: readonly Tenant[];

  private constructor(tenants: readonly Tenant[]) {
    this.tenants = tenants;
  }

  static async create(
    ids: readonly string[],
    statements?: (id: string) => readonly string[],
  ): Promise<TenantDatabases> {
    const tenants = ids.map((id) => ({ id, database: uniqueName(`isolation_${id}`) }));
    for (const { id, database } of tenants) {
      await createDatabase(database, statements?.(id) ?? [...schema, ...seed(id)]);
    }
    return new TenantDatabases(tenants);
  }

  of(id: string): string {
    const tenant = this.tenants.find((one) => one.id === id);
    if (tenant === undefined) {
      throw new Error(`TenantDatabases: there is no "${id}"`);
    }
    return tenant.database;
  }

  /** Everything in every database, read on sessions of its own. */
  async dump(from: readonly string[] = tables): Promise<Record<string, unknown>> {
    const columns = from.map((table) => `(select coalesce(jsonb_agg(t order by t), '[]') from ${table} t) as ${table}`);
    const rows = this.tenants.map(async ({ id, database }) => {
      const [row] = await adminQuery(`select ${columns.join(', ')}`, [], database);
      return [id, row] as const;
    });
    return Object.fromEntries(await Promise.all(rows));
  }

  /** Puts every table back to what {@link seed} made of it. */
  async reset(): Promise<void> {
    const empty = `truncate ${tables.join(', ')} restart identity`;
    await Promise.all(
      this.tenants.map(({ id, database }) => adminQuery([empty, ...seed(id)].join(';\n'), [], database)),
    );
  }

  /** How many sessions of tenants are open in these databases. */
  sessions(): Promise<number> {
    return sessionsIn(this.tenants.map(({ database }) => database));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { database } of this.tenants) {
      await dropDatabase(database);
    }
  }
}
