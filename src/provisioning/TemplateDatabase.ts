import type { EntityManager } from '@mikro-orm/postgresql';
import type { EndablePool, LentConnection } from '../connections/TenantPool.ts';
import { TenancyEmitter } from '../events.ts';
import { migrationsTable } from '../migrations/executedMigrations.ts';
import { MigrationFiles } from '../migrations/MigrationFiles.ts';
import { type MigrationLock, TenantMigrator } from '../migrations/TenantMigrator.ts';
import type { OrmTemplate } from '../orm/OrmTemplate.ts';
import { type CreationStrategy, strategyFor } from './creationStrategy.ts';
import type { DatabaseAdmin } from './DatabaseAdmin.ts';
import { type DatabaseNames, hashOf } from './databaseNames.ts';
import { commentOn } from './databaseStatements.ts';
import type { TemplateOptions } from './ProvisioningOptions.ts';

export interface TemplateParts {
  readonly admin: DatabaseAdmin;
  readonly names: DatabaseNames;
  readonly orm: OrmTemplate;
  readonly options: TemplateOptions;
  /** What every database of a tenant gets beside the migrations, on a session as their owner. */
  readonly prepare: ((session: LentConnection) => Promise<void>) | undefined;
  /** Changes with what `prepare` does. */
  readonly prepared: string;
  readonly track: (pool: EndablePool) => () => void;
  readonly lockTimeoutMs: number;
}

/** A template that is there and finished. */
export interface BuiltTemplate {
  readonly database: string;
  readonly strategy: CreationStrategy;
}

/** In place of a tenant's id, in events and in PostgreSQL's `application_name`. */
const TEMPLATE_ID = '(template)';

/** SQLSTATE: the database does not exist. */
const INVALID_CATALOG_NAME = '3D000';

/** How often it is written down that a template is in use. */
const NOTE_USE_EVERY_MS = 10 * 60_000;

/**
 * The database of one server from which those of new tenants are copied: built by the application's migrations, named by
 * what they are, and closed to connections. A template under its name is finished; one that is being built has another
 * name, which a process that was killed leaves behind for the next one to begin anew.
 */
export class TemplateDatabase {
  readonly #parts: TemplateParts;
  #hash: Promise<string> | undefined;
  #built: Promise<BuiltTemplate> | undefined;
  #usedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: TemplateParts) {
    this.#parts = parts;
  }

  /** The template of this application's migrations, built now if it is not there. */
  async ensure(): Promise<BuiltTemplate> {
    this.#built ??= this.#find().catch((error: unknown) => {
      this.#built = undefined;
      throw error;
    });
    const built = await this.#built;
    const now = performance.now();
    if (now - this.#usedAt >= NOTE_USE_EVERY_MS) {
      this.#usedAt = now;
      await this.#parts.admin.mark(built.database, useMark());
      // In the background: nobody waits for what others have left.
      this.prune().catch(() => {});
    }
    return built;
  }

  /**
   * A new database, copied from the template, which is built first if it is not there. Does nothing where it is there. With
   * `tenant` it has that one's name when it is whole.
   */
  async copyTo(name: string, tenant?: { readonly id: string; readonly database: string }): Promise<void> {
    const { admin } = this.#parts;
    const copy = async ({ database: template, strategy }: BuiltTemplate): Promise<void> => {
      const made = { template, strategy, mark: name };
      await (tenant === undefined
        ? admin.create(name, made)
        : admin.createAs(tenant.database, name, { ...made, tenantId: tenant.id }));
    };
    try {
      await copy(await this.ensure());
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== INVALID_CATALOG_NAME) {
        throw error;
      }
      // Somebody has dropped the template.
      this.#built = undefined;
      this.#usedAt = Number.NEGATIVE_INFINITY;
      await copy(await this.ensure());
    }
  }

  /** The name that it has or will have. */
  async name(): Promise<string> {
    return this.#parts.names.template(await this.hash());
  }

  /** The same for the same migrations, base and `version`. */
  hash(): Promise<string> {
    this.#hash ??= this.#hashNow().catch((error: unknown) => {
      this.#hash = undefined;
      throw error;
    });
    return this.#hash;
  }

  /**
   * Drops templates of other migrations that nobody has used for `keepTemplatesMs`, and those that were not finished in
   * that time. Gives their names.
   */
  async prune(): Promise<string[]> {
    const { admin, names, options } = this.#parts;
    const hash = await this.hash();
    const own = names.template(hash);
    // One that is there was finished: whatever still has the name of one that is being built was left behind.
    const kept = (await admin.info(own)) === undefined ? [own, names.building(hash)] : [own];
    const dropped: string[] = [];
    for (const name of [...(await admin.list(names.templates)), ...(await admin.list(names.buildings))]) {
      const info = kept.includes(name) ? undefined : await admin.info(name);
      const since = sinceOf(info?.mark);
      if (info?.sessions === 0 && since !== undefined && Date.now() - since >= options.keepTemplatesMs) {
        await admin.dropMarked(name, info.mark ?? '');
        dropped.push(name);
      }
    }
    return dropped;
  }

  async #find(): Promise<BuiltTemplate> {
    const { admin } = this.#parts;
    const hash = await this.hash();
    const database = this.#parts.names.template(hash);
    if ((await admin.info(database)) === undefined) {
      await this.#build(hash, database);
    }
    const version = await admin.session(async (session) => {
      const { rows } = await session.query("select current_setting('server_version_num')::int as version", []);
      return (rows[0] as { readonly version: number }).version;
    });
    const { strategy = strategyFor(await admin.sizeOf(database), version) } = this.#parts.options;
    return { database, strategy };
  }

  /** Processes that build at the same time do it together, under the migration lock; one of them finishes it. */
  async #build(hash: string, database: string): Promise<void> {
    const { admin, names, options } = this.#parts;
    const building = names.building(hash);
    try {
      // Somebody may have finished it since it was looked for: who is killed after this must leave nothing that nobody finds.
      const made = { template: options.base, strategy: 'wal-log', mark: buildingMark(), unless: database } as const;
      if (await admin.create(building, made)) {
        await this.#migrator(building).locked((lock) => this.#fill(building, lock));
        const mark = (await admin.info(building))?.mark ?? '';
        await admin.rename(building, database, { mark, tenantId: TEMPLATE_ID });
      }
    } catch (error) {
      // Whoever finishes it first ends the sessions of the others.
      if ((await admin.info(database)) === undefined) {
        throw error;
      }
      await admin.drop(building);
    }
    await admin.allowConnections(database, false);
    await admin.mark(database, useMark());
  }

  async #fill(building: string, { connection, orm, migrator }: MigrationLock): Promise<void> {
    const { admin, options, prepare } = this.#parts;
    await migrator.up();
    // Templates are of servers of PostgreSQL.
    await prepare?.(connection as LentConnection);
    if ((await admin.info(building))?.mark?.startsWith('prepared') !== true) {
      const em = orm.em.fork({ disableContextResolution: true }) as EntityManager;
      await em.transactional(async (inner) => {
        await options.prepare?.(inner as EntityManager);
        // With what the application wrote, so that it is not written twice.
        const text = commentOn(building, preparedMark());
        await inner.getConnection().execute(text, [], 'run', inner.getTransactionContext());
      });
    }
    await connection.query('analyze', []);
  }

  #migrator(database: string): TenantMigrator {
    const { admin, orm, track, lockTimeoutMs } = this.#parts;
    const { server } = admin;
    return new TenantMigrator({
      template: orm,
      // Nobody migrated a tenant.
      events: new TenancyEmitter(),
      target: async () => ({
        tenant: { id: TEMPLATE_ID, database, server: server.name },
        server,
        owner: { tenantId: TEMPLATE_ID, label: 'the template database', refused: () => {} },
        contextName: database,
      }),
      inTurn: (work) => work(),
      track,
      lockTimeoutMs,
    });
  }

  async #hashNow(): Promise<string> {
    const { orm, options, prepared } = this.#parts;
    const migrations = await new MigrationFiles(orm.orm).withChecksums();
    const { base, version } = options;
    return hashOf(
      JSON.stringify([
        migrations.map(({ name, checksum }) => [name, checksum]),
        [migrationsTable(orm.orm), base, version ?? '', prepared],
      ]),
    );
  }
}

/** A mark ends with the time from which on nobody may have needed the database. */
const buildingMark = (): string => `building since ${new Date().toISOString()}`;
const preparedMark = (): string => `prepared since ${new Date().toISOString()}`;
const useMark = (): string => `template since ${new Date().toISOString()}`;

function sinceOf(mark = ''): number | undefined {
  const [, since] = /^(?:building|prepared|template) since (.+)$/.exec(mark) ?? [];
  return since === undefined ? undefined : Date.parse(since);
}
