import { Migration } from '@mikro-orm/migrations';
import {
  type CatalogTenant,
  type ProvisioningOptions,
  type ServerOptions,
  TenantOrmManager,
} from 'mikro-orm-multitenancy';
import { adminQuery, createDatabase, dropDatabase, serverUrl, uniqueName } from '../databases.ts';
import { assertClosed, House } from '../manager/TestTenants.ts';

export class Migration001House extends Migration {
  override up(): void {
    this.addSql('create table house (id serial primary key, address text not null)');
  }
}

export class Migration002Street extends Migration {
  override up(): void {
    this.addSql('create table street (id serial primary key, name text not null)');
    this.addSql("insert into street (name) values ('first street')");
  }
}

export const LIFE_MIGRATIONS = [Migration001House, Migration002Street];

export type LifeManager = TenantOrmManager<CatalogTenant>;

export interface LifeOptions {
  readonly provisioning?: ProvisioningOptions<CatalogTenant>;
  readonly migrations?: readonly (new (...args: never[]) => Migration)[];
  readonly server?: Partial<ServerOptions>;
  readonly servers?: Readonly<Record<string, string>>;
}

/** The options of managers in these tests, also of those in processes of their own. */
export function lifeOptions(central: string, url: string, options: LifeOptions = {}) {
  const { provisioning, migrations = LIFE_MIGRATIONS, server, servers } = options;
  return {
    orm: { entities: [House], migrations: { migrationsList: [...migrations] as never } },
    ...(servers === undefined ? { server: { url, ...server } } : { servers }),
    central: { database: central, server: url },
    provisioning: { leaseMs: 1_000, drainTimeoutMs: 2_000, ...provisioning },
  };
}

/** A central database, and the tenants that managers make over it. All their databases and roles go at the end. */
export class LifeWorld implements AsyncDisposable {
  readonly central = uniqueName('life');
  /** What the names of all databases of tenants begin with. */
  readonly prefix = uniqueName('one');
  readonly #managers: TenantOrmManager[] = [];

  static async create(): Promise<LifeWorld> {
    const world = new LifeWorld();
    await createDatabase(world.central);
    const manager = await world.manager();
    await manager.central.migrate();
    await manager.close();
    return world;
  }

  async manager(options: LifeOptions = {}): Promise<LifeManager> {
    const provisioning = { databaseName: (id: string) => this.databaseOf(id), ...options.provisioning };
    const manager = await TenantOrmManager.init(lifeOptions(this.central, serverUrl(), { ...options, provisioning }));
    this.#managers.push(manager as unknown as TenantOrmManager);
    return manager as LifeManager;
  }

  databaseOf(id: string): string {
    return `${this.prefix}_${id}`;
  }

  query<R extends Record<string, unknown>>(text: string, parameters: unknown[] = []): Promise<R[]> {
    return adminQuery<R>(text, parameters, this.central);
  }

  /** Every database of the server that is these tenants' or was made for them, without templates. */
  async databases(): Promise<string[]> {
    const rows = await adminQuery<{ name: string }>(
      `select datname as name from pg_database where starts_with(datname, $1) or starts_with(datname, $2) order by 1`,
      [this.prefix, await this.ownPrefix()],
    );
    return rows.map(({ name }) => name).filter((name) => !name.includes('_template_'));
  }

  /** What the names of the library's own databases begin with. */
  async ownPrefix(): Promise<string> {
    const [row] = await adminQuery<{ hash: string }>("select left(encode(sha256($1::text::bytea), 'hex'), 8) as hash", [
      this.central,
    ]);
    return `tenancy_${row?.hash}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#managers.map((manager) => manager.close({ timeoutMs: 1_000 })));
    try {
      this.#managers.forEach(assertClosed);
    } finally {
      const rows = await adminQuery<{ name: string }>(
        `select datname as name from pg_database where starts_with(datname, $1) or starts_with(datname, $2)`,
        [this.prefix, await this.ownPrefix()],
      );
      for (const { name } of rows) {
        await dropDatabase(name);
      }
      await dropDatabase(this.central);
    }
  }
}
