import { createHash } from 'node:crypto';
import type { Constructor, MigrationObject } from '@mikro-orm/core';
import { Migration } from '@mikro-orm/migrations';
import { type CatalogTenant, type StaticCatalog, type Tenant, TenantOrmManager } from 'mikro-orm-multitenancy';
import { adminQuery, createDatabase, dropDatabase, STRATEGY, serverUrl, uniqueName } from '../databases.ts';
import { assertClosed, House } from '../manager/TestTenants.ts';

export class Migration001Counter extends Migration {
  override up(): void {
    this.addSql('create table counter (id serial primary key, note text not null)');
  }

  override down(): void {
    this.addSql('drop table counter');
  }
}

/** Leaves one row for each time that it is applied. */
export class Migration002Rows extends Migration {
  override up(): void {
    this.addSql("insert into counter (note) values ('002')");
  }

  override down(): void {
    this.addSql("delete from counter where note = '002'");
  }
}

export class Migration003More extends Migration {
  override up(): void {
    this.addSql("insert into counter (note) values ('003')");
  }

  override down(): void {
    this.addSql("delete from counter where note = '003'");
  }
}

export type FleetMigrations = readonly (Constructor<Migration> | MigrationObject)[];

export const FLEET_MIGRATIONS: FleetMigrations = [Migration001Counter, Migration002Rows, Migration003More];
export const FLEET_NAMES = ['Migration001Counter', 'Migration002Rows', 'Migration003More'];

export type FleetManager = TenantOrmManager<CatalogTenant>;

export interface FleetManagerOptions {
  readonly migrations?: FleetMigrations;
  /** MikroORM's own options of migrations. */
  readonly ormMigrations?: object;
  readonly reservedConnections?: number;
  readonly migrationLockTimeoutMs?: number;
}

function optionsOf({
  migrations = FLEET_MIGRATIONS,
  ormMigrations,
  reservedConnections = 5,
  ...rest
}: FleetManagerOptions) {
  return {
    orm: { entities: [House], migrations: { migrationsList: [...migrations], ...ormMigrations } },
    server: { url: serverUrl(), reservedConnections, maxConnections: 30 },
    ...rest,
  };
}

/** A central database and virgin tenants, t00, t01 and so on, whose databases come from one template. */
export class FleetWorld implements AsyncDisposable {
  readonly central: string;
  readonly ids: readonly string[];
  readonly prefix: string;
  readonly #managers: TenantOrmManager[] = [];

  private constructor(count: number) {
    this.central = uniqueName('fleet');
    this.prefix = uniqueName('member');
    const digits = String(Math.max(10, count - 1)).length;
    this.ids = Array.from({ length: count }, (_, index) => `t${String(index).padStart(digits, '0')}`);
  }

  /** `prepare`: statements for each database. */
  static async create(count: number, prepare: readonly string[] = []): Promise<FleetWorld> {
    const world = new FleetWorld(count);
    await createDatabase(world.central);
    const manager = await world.manager();
    await manager.central.migrate();
    const template = `${world.prefix}_template`;
    await createDatabase(template, prepare);
    for (const id of world.ids) {
      await adminQuery(`create database "${world.databaseOf(id)}" template "${template}" ${STRATEGY}`);
      await manager.central.tenants.create({ id, database: world.databaseOf(id) });
    }
    await dropDatabase(template);
    await manager.close();
    return world;
  }

  databaseOf(id: string): string {
    return `${this.prefix}_${id}`;
  }

  async manager(options: FleetManagerOptions = {}): Promise<FleetManager> {
    const central = { database: this.central, server: serverUrl() };
    return this.#keep(await TenantOrmManager.init({ ...optionsOf(options), central }));
  }

  /** A manager without a central database. */
  async managerOver(catalog: StaticCatalog<Tenant>, options: FleetManagerOptions = {}): Promise<TenantOrmManager> {
    return this.#keep(await TenantOrmManager.init({ ...optionsOf(options), catalog }));
  }

  #keep<M extends { close(options: { timeoutMs: number }): Promise<void> }>(manager: M): M {
    this.#managers.push(manager as unknown as TenantOrmManager);
    return manager;
  }

  /** The migrations that each tenant's database has, in their order. */
  async executed(id: string): Promise<string[]> {
    try {
      const rows = await this.query<{ name: string }>(id, 'select name from mikro_orm_migrations order by id');
      return rows.map(({ name }) => name);
    } catch (error) {
      if ((error as { readonly code?: string }).code === '42P01') {
        return [];
      }
      throw error;
    }
  }

  /** What the migrations of data left, a row for each time that one was applied. */
  async notes(id: string): Promise<string[]> {
    return (await this.query<{ note: string }>(id, 'select note from counter order by id')).map(({ note }) => note);
  }

  query<R extends Record<string, unknown>>(id: string, text: string, parameters: unknown[] = []): Promise<R[]> {
    return adminQuery<R>(text, parameters, this.databaseOf(id));
  }

  ledger<R extends Record<string, unknown>>(text: string, parameters: unknown[] = []): Promise<R[]> {
    return adminQuery<R>(text, parameters, this.central);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#managers.map((manager) => manager.close({ timeoutMs: 1_000 })));
    try {
      this.#managers.forEach(assertClosed);
    } finally {
      // Tests of the command line make some of their own.
      const own = await this.ledger<{ name: string }>('select database_name as name from tenancy_tenants').catch(
        () => [],
      );
      const hash = createHash('sha256').update(this.central).digest('hex').slice(0, 8);
      const made = await adminQuery<{ name: string }>(
        'select datname as name from pg_database where starts_with(datname, $1)',
        [`tenancy_${hash}_`],
      );
      await dropDatabase(this.central);
      const databases = [...this.ids.map((id) => this.databaseOf(id)), ...[...own, ...made].map(({ name }) => name)];
      for (const database of new Set(databases)) {
        await dropDatabase(database);
      }
    }
  }
}
