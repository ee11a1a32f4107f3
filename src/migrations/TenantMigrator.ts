import type { MigrateOptions, MigrationInfo, MigrationRow } from '@mikro-orm/core';
import type { MikroORM } from '@mikro-orm/postgresql';
import { NO_SESSION, type TenantSession } from '../connections/SessionSettings.ts';
import type { MigrationServer, Unlock } from '../connections/TenantDatabases.ts';
import type { EndablePool, Lent, TenantPool } from '../connections/TenantPool.ts';
import { TenantUnavailableError } from '../errors.ts';
import type { TenancyEmitter } from '../events.ts';
import type { OrmPlace } from '../orm/OpenTenants.ts';
import type { OrmTemplate } from '../orm/OrmTemplate.ts';
import { statusOf, type Tenant, type TenantStatus } from '../tenant/Tenant.ts';
import { lockMigrations } from './advisoryLock.ts';
import { directSession } from './directSession.ts';
import { executedMigrations } from './executedMigrations.ts';
import { MigrationFiles } from './MigrationFiles.ts';
import { MigrationPool } from './MigrationPool.ts';
import { migratorOf } from './migratorOf.ts';

/** MikroORM's options of `up` and `down`, without a transaction: each run has its own session. */
export type TenantMigrateOptions = string | string[] | Omit<MigrateOptions, 'transaction'>;

/** What a migrator works on, looked up anew for each call. */
export interface MigrationTarget extends OrmPlace {
  readonly tenant: Tenant;
  readonly server: MigrationServer;
}

export interface TenantMigratorParts {
  readonly template: OrmTemplate;
  readonly events: TenancyEmitter;
  /** Resolves the tenant, or throws. */
  readonly target: () => Promise<MigrationTarget>;
  /** Runs one piece of work of this tenant at a time, in this process, so that callers of one tenant queue here. */
  readonly inTurn: <R>(work: () => Promise<R>) => Promise<R>;
  /** Told of every session, so that closing the manager can end it. */
  readonly track: (pool: EndablePool) => () => void;
  readonly lockTimeoutMs: number;
  /** Settings of the sessions that migrate. @default those of the server */
  readonly session?: TenantSession | undefined;
}

/** Statuses of tenants whose database is not there, is about to go, or is kept as it was. All others can be migrated. */
export const NOT_MIGRATED: ReadonlySet<TenantStatus> = new Set(['archived', 'dropping']);

/** What work under the lock of a tenant's database has. */
export interface MigrationLock {
  readonly tenant: Tenant;
  /** The session that holds the lock. */
  readonly connection: Lent;
  /** Sends its statements on that session. */
  readonly orm: MikroORM;
  /** That of {@link orm}. */
  readonly migrator: MikroORM['migrator'];
  /** When the session was there, by `performance.now()`. */
  readonly startedAt: number;
}

/**
 * MikroORM's migrator for one tenant. Each call has a direct session of its own from the server's reserve; `up` and
 * `down` hold the tenant database's advisory lock, and look again at what is pending once they have it. A missing
 * database is an error and is not created.
 */
export class TenantMigrator {
  readonly #parts: TenantMigratorParts;

  /** @internal */
  constructor(parts: TenantMigratorParts) {
    this.#parts = parts;
  }

  /** Applies pending migrations. Returns those that this call applied. */
  async up(options?: TenantMigrateOptions): Promise<MigrationInfo[]> {
    return this.#migrate('migration:applied', (migrator) => migrator.up(options));
  }

  /** Reverts the last migration, or as far as `options` says. Returns those that this call reverted. */
  async down(options?: TenantMigrateOptions): Promise<MigrationInfo[]> {
    return this.#migrate('migration:reverted', (migrator) => migrator.down(options));
  }

  /** The migrations that `up` would apply, in their order. Takes no lock and changes nothing. */
  async getPending(): Promise<MigrationInfo[]> {
    const executed = new Set((await this.getExecuted()).map(({ name }) => name));
    const known = await new MigrationFiles(this.#parts.template.orm).list();
    return known.filter(({ name }) => !executed.has(name));
  }

  /** The migrations applied to the tenant's database. Takes no lock and changes nothing. */
  async getExecuted(): Promise<MigrationRow[]> {
    const { orm } = this.#parts.template;
    return this.#session((connection) => executedMigrations(connection, orm));
  }

  async #migrate(
    event: 'migration:applied' | 'migration:reverted',
    work: (migrator: MikroORM['migrator']) => Promise<MigrationInfo[]>,
  ): Promise<MigrationInfo[]> {
    return this.locked(async ({ migrator, tenant, startedAt }) => {
      const done = await work(migrator);
      const migrations = done.map(({ name }) => name);
      if (migrations.length > 0) {
        const tookMs = performance.now() - startedAt;
        this.#parts.events.emit(event, { tenantId: tenant.id, migrations, tookMs });
      }
      return done;
    });
  }

  /**
   * Runs `work` under the lock of the tenant's database, with an ORM over the session that holds it.
   * @internal
   */
  async locked<R>(
    work: (under: MigrationLock) => Promise<R>,
    session: TenantSession | undefined = this.#parts.session,
  ): Promise<R> {
    const { lockTimeoutMs, template } = this.#parts;
    return this.#inTurn(() =>
      this.#session(async (connection, pool, target) => {
        const startedAt = performance.now();
        const { tenant, owner, contextName } = target;
        const unlock = await lock(target, connection, lockTimeoutMs, () => pool.assertOpen());
        try {
          const orm = await template.open({ tenant, owner, contextName, pool: new MigrationPool(pool, connection) });
          try {
            return await work({ connection, orm, tenant, startedAt, migrator: migratorOf(orm) });
          } finally {
            await orm.close();
          }
        } catch (error) {
          throw target.server.failedMigration?.(tenant.id, error) ?? error;
        } finally {
          await unlock();
        }
      }, session),
    );
  }

  /** Looked up once more when the turn has come: the tenant may have been moved or the manager closed meanwhile. */
  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    return this.#parts.inTurn(async () => {
      const { server } = await this.#target();
      return server.migrations.run(work);
    });
  }

  async #target(): Promise<MigrationTarget> {
    const target = await this.#parts.target();
    const status = statusOf(target.tenant);
    if (NOT_MIGRATED.has(status)) {
      throw new TenantUnavailableError(target.tenant.id, status);
    }
    return target;
  }

  async #session<R>(
    work: (connection: Lent, pool: TenantPool<Lent>, target: MigrationTarget) => Promise<R>,
    session: TenantSession = NO_SESSION,
  ): Promise<R> {
    const target = await this.#target();
    const { server, tenant } = target;
    const of = { server, tenantId: tenant.id, database: tenant.database, session, track: this.#parts.track };
    return directSession(of, (connection, pool) => work(connection, pool, target));
  }
}

/** An advisory lock ends with its session; one of another kind is freed by what this gives. */
async function lock(
  { server, tenant }: MigrationTarget,
  session: Lent,
  timeoutMs: number,
  assertOpen: () => void,
): Promise<Unlock> {
  if (server.lockMigrations !== undefined) {
    const { id: tenantId, database } = tenant;
    return server.lockMigrations({ tenantId, database }, timeoutMs, assertOpen, session);
  }
  await lockMigrations(session, tenant.id, timeoutMs);
  return () => {};
}
