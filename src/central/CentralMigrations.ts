import type { MigrationInfo } from '@mikro-orm/core';
import type { PostgresServer } from '../connections/PostgresServer.ts';
import { type EndablePool, TenantPool } from '../connections/TenantPool.ts';
import type { EntityOwner } from '../context/OwnerGuard.ts';
import { ManagerClosedError } from '../errors.ts';
import type { TenancyEmitter } from '../events.ts';
import { KeyedQueue } from '../migrations/KeyedQueue.ts';
import { TenantMigrator } from '../migrations/TenantMigrator.ts';
import { OrmTemplate } from '../orm/OrmTemplate.ts';
import type { CheckedCentralOptions } from './CentralOptions.ts';
import { createDatabase } from './createDatabase.ts';
import { CATALOG_MIGRATIONS } from './migrations/index.ts';
import { CATALOG_MIGRATIONS_TABLE, CENTRAL_ID } from './names.ts';

/** Options of {@link CentralDatabase.migrate}. */
export interface CentralMigrateOptions {
  /** Whether a missing central database is created first. @default false */
  readonly createDatabase?: boolean | undefined;
}

export interface CentralMigrationsParts {
  readonly options: CheckedCentralOptions;
  readonly template: OrmTemplate;
  readonly server: PostgresServer;
  readonly owner: EntityOwner;
  readonly events: TenancyEmitter;
  readonly migrationLockTimeoutMs: number;
}

/** The two lists of migrations of the central database: the catalogue's, and then the application's. */
export class CentralMigrations {
  /** The application's. */
  readonly own: TenantMigrator;
  readonly #parts: CentralMigrationsParts;
  readonly #queue = new KeyedQueue();
  readonly #pools = new Set<EndablePool>();
  #catalogTemplate: Promise<OrmTemplate> | undefined;
  #serial = 0;
  #isClosed = false;

  constructor(parts: CentralMigrationsParts) {
    this.#parts = parts;
    this.own = this.#migrator(parts.template);
  }

  async pending(): Promise<string[]> {
    this.#catalogTemplate ??= catalogTemplate();
    const catalog = await this.#migrator(await this.#catalogTemplate).getPending();
    const own = this.#hasOwn() ? await this.own.getPending() : [];
    return [...catalog, ...own].map(({ name }) => name);
  }

  async migrate(options: CentralMigrateOptions): Promise<MigrationInfo[]> {
    if (options.createDatabase === true) {
      await this.#createDatabase();
    }
    this.#catalogTemplate ??= catalogTemplate();
    const catalog = await this.#migrator(await this.#catalogTemplate).up();
    return this.#hasOwn() ? [...catalog, ...(await this.own.up())] : catalog;
  }

  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#pools].map((pool) => pool.close('manager closed', timeoutMs)));
    await (await this.#catalogTemplate)?.close();
  }

  /** MikroORM's default folder is that of the tenants' migrations; it is never taken for the central database's. */
  #hasOwn(): boolean {
    const { path, pathTs, migrationsList } = this.#parts.options.orm.migrations ?? {};
    return path !== undefined || pathTs !== undefined || (migrationsList?.length ?? 0) > 0;
  }

  #migrator(template: OrmTemplate): TenantMigrator {
    const { options, server, owner, events, migrationLockTimeoutMs } = this.#parts;
    return new TenantMigrator({
      template,
      events,
      target: async () => {
        this.#assertOpen();
        this.#serial += 1;
        const tenant = { id: CENTRAL_ID, database: options.database, server: CENTRAL_ID };
        return { tenant, server, owner, contextName: `${CENTRAL_ID}:migrations#${this.#serial}` };
      },
      inTurn: (work) => this.#queue.run(CENTRAL_ID, work),
      track: (pool) => this.#track(pool),
      lockTimeoutMs: migrationLockTimeoutMs,
    });
  }

  #track(pool: EndablePool): () => void {
    this.#pools.add(pool);
    return () => this.#pools.delete(pool);
  }

  async #createDatabase(): Promise<void> {
    const { options, server } = this.#parts;
    this.#assertOpen();
    const account = server.reserved({ tenantId: CENTRAL_ID, database: server.maintenanceDatabase });
    const pool = new TenantPool(account, { graceMs: () => 0 });
    const untrack = this.#track(pool);
    try {
      await createDatabase(pool, options.database);
    } finally {
      untrack();
      await pool.close('the database is there', 0);
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) {
      throw new ManagerClosedError();
    }
  }
}

function catalogTemplate(): Promise<OrmTemplate> {
  return OrmTemplate.build(
    {
      entities: [],
      discovery: { warnWhenNoEntities: false },
      migrations: { tableName: CATALOG_MIGRATIONS_TABLE, migrationsList: [...CATALOG_MIGRATIONS] },
    },
    true,
  );
}
