import { type Tenant, type TenantCatalog, TenantOrmManager } from 'mikro-orm-multitenancy';
import { OwnPostgres } from '../support/faults/OwnPostgres.ts';
import { House, MIGRATIONS, Room, seedHouses } from './entities.ts';

/**
 * Databases that are equal, on a server of this program's own, and more tenants than databases: a tenant's handle is what
 * may leak, so that several of them share a database, which no catalogue of this library allows.
 */
export class LeakWorld {
  readonly postgres: OwnPostgres;
  readonly #databases: readonly string[];

  private constructor(postgres: OwnPostgres, databases: readonly string[]) {
    this.postgres = postgres;
    this.#databases = databases;
  }

  static async start(databases: number): Promise<LeakWorld> {
    const postgres = await OwnPostgres.start({ max_connections: 100 });
    const names = Array.from({ length: databases }, (_, n) => `leak_${n}`);
    const [first = '', ...rest] = names;
    await postgres.query(`create database ${first}`);
    await using manager = await managerOn(postgres.url, catalogOf([{ id: 'first', database: first }]), 1);
    await manager.migrator('first').up();
    await manager.run('first', (em, tenant) => seedHouses(em, tenant));
    await manager.close();
    for (const name of rest) {
      await postgres.query(`create database ${name} template ${first} strategy file_copy`);
    }
    return new LeakWorld(postgres, names);
  }

  /** So many tenants, who take turns in having a database. */
  tenants(count: number): Tenant[] {
    return Array.from({ length: count }, (_, n) => ({
      id: `t${n}`,
      database: this.#databases[n % this.#databases.length] as string,
    }));
  }

  manager(tenants: readonly Tenant[], maxOpenTenants: number): Promise<TenantOrmManager> {
    return managerOn(this.postgres.url, catalogOf(tenants), maxOpenTenants);
  }

  async sessions(): Promise<number> {
    const [row] = await this.postgres.query<{ count: number }>(
      "select count(*)::int as count from pg_stat_activity where application_name like 'tenant:%'",
    );
    return row?.count ?? 0;
  }
}

const managerOn = (url: string, catalog: TenantCatalog, maxOpenTenants: number): Promise<TenantOrmManager> =>
  TenantOrmManager.init<Tenant>({
    orm: { entities: [House, Room], migrations: { migrationsList: MIGRATIONS as never } },
    // A busy machine may let a request wait for longer than one would in production.
    server: { url, acquireTimeoutMs: 60_000 },
    catalog,
    maxOpenTenants,
  }) as Promise<TenantOrmManager>;

function catalogOf(tenants: readonly Tenant[]): TenantCatalog {
  const byId = new Map(tenants.map((tenant) => [tenant.id, tenant]));
  return {
    find: async (id) => byId.get(id),
    findByDomain: async () => undefined,
    list: async () => ({ tenants, next: undefined }),
  };
}
