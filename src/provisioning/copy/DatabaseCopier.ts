import type { LentConnection, TenantPool } from '../../connections/TenantPool.ts';
import { TenancyEmitter } from '../../events.ts';
import { directSession } from '../../migrations/directSession.ts';
import { executedMigrations, migrationsTable } from '../../migrations/executedMigrations.ts';
import { MigrationFiles } from '../../migrations/MigrationFiles.ts';
import { schemaDifferences } from '../../migrations/status/schemaDifferences.ts';
import { objectsOf } from '../../migrations/status/schemaOf.ts';
import { TenantMigrator } from '../../migrations/TenantMigrator.ts';
import type { OrmTemplate } from '../../orm/OrmTemplate.ts';
import type { CopyDifference, CopyOptions, CopyReport, DatabasePlace } from './CopyOptions.ts';
import { CopySession } from './CopySession.ts';
import { compareRows } from './compareRows.ts';
import { DatabaseCopyError } from './copyErrors.ts';
import { copyRows } from './copyRows.ts';

export interface CopierParts {
  readonly orm: OrmTemplate;
  /** What every database of a tenant gets beside the migrations, on a session as their owner. */
  readonly prepare: ((session: LentConnection) => Promise<void>) | undefined;
  readonly track: (pool: TenantPool) => () => void;
  readonly lockTimeoutMs: number;
}

/** How many differences a message names. */
const SHOWN = 5;

/**
 * Copies the database of a tenant: its schema by the same migrations, and its rows as PostgreSQL sends them. Owning both
 * databases is enough; what migrations do not make is refused.
 */
export class DatabaseCopier {
  readonly #parts: CopierParts;

  constructor(parts: CopierParts) {
    this.#parts = parts;
  }

  /** Fills the empty database `to`, whole or not at all. Rejects with `DatabaseCopyError`. */
  async copy(options: CopyOptions): Promise<CopyReport> {
    const { tenantId, from, to, signal } = options;
    await this.#copySchema(options);
    signal?.throwIfAborted();
    return this.#withBoth(tenantId, from, to, async (source, target) => {
      await this.#assertSameSchema(tenantId, source, target);
      await source.beginReading();
      await target.beginWriting();
      const tables = await source.tables();
      const copied: { readonly table: string; readonly rows: number }[] = [];
      await target.whileUnchecked(tables, async () => {
        for (const table of tables) {
          signal?.throwIfAborted();
          const rows = await copyRows(source, target, table, signal);
          copied.push({ table: table.name, rows });
          options.onProgress?.({ table: table.name, rows, tables: tables.length, done: copied.length });
        }
        await target.setSequences(await source.sequences());
      });
      await target.refreshViews();
      await target.run('commit');
      await source.run('commit');
      await target.run('analyze');
      return { by: 'stream', tables: copied };
    });
  }

  /** In what two databases differ, by the rows of each table, sequences and the schema. */
  async verify({ tenantId, from, to }: Omit<CopyOptions, 'signal' | 'onProgress'>): Promise<CopyDifference[]> {
    return this.#withBoth(tenantId, from, to, async (source, target) => {
      const schema = await this.#schemaDifferences(source, target);
      await Promise.all([source.beginReading(), target.beginReading()]);
      const rows = await compareRows(source, target);
      await Promise.all([source.run('commit'), target.run('commit')]);
      return [
        ...rows,
        ...schema.map(({ kind, name, is, expected = '', actual = '' }) => ({
          what: 'schema' as const,
          name: `${kind} ${name}`,
          source: is === 'extra' ? 'missing' : expected,
          target: is === 'missing' ? 'missing' : actual,
        })),
      ];
    });
  }

  async #copySchema({ tenantId, from, to }: CopyOptions): Promise<void> {
    const { orm, prepare } = this.#parts;
    const table = migrationsTable(orm.orm);
    const executed = await this.#session(tenantId, from, async (session) => {
      if (await new CopySession(session).hasLargeObjects()) {
        throw new DatabaseCopyError(
          tenantId,
          'its database has large objects, which are copied by nothing but pg_dump. Move them to bytea columns or files.',
        );
      }
      return (await executedMigrations(session, table)).map(({ name }) => name);
    });
    await this.#assertKnown(tenantId, executed);
    await this.#session(tenantId, to, async (session) => {
      if (await new CopySession(session).hasRelations()) {
        throw new DatabaseCopyError(tenantId, `the database "${to.database}" is not empty; nothing is copied into it.`);
      }
    });
    if (executed.length > 0) {
      await this.#migrator(tenantId, to).up({ migrations: executed });
    }
    if (prepare !== undefined) {
      await this.#session(tenantId, to, prepare);
    }
  }

  async #assertKnown(tenantId: string, executed: readonly string[]): Promise<void> {
    const known = new Set((await new MigrationFiles(this.#parts.orm.orm).list()).map(({ name }) => name));
    const unknown = executed.filter((name) => !known.has(name));
    if (unknown.length > 0) {
      throw new DatabaseCopyError(
        tenantId,
        `its database has migrations that this release does not know (${unknown.join(', ')}). Use a release that does.`,
      );
    }
  }

  async #assertSameSchema(tenantId: string, source: CopySession, target: CopySession): Promise<void> {
    const differences = await this.#schemaDifferences(source, target);
    if (differences.length > 0) {
      const some = differences.slice(0, SHOWN).map(({ kind, name, is }) => `${kind} ${name} is ${is}`);
      const more = differences.length > SHOWN ? `, and ${differences.length - SHOWN} more` : '';
      throw new DatabaseCopyError(
        tenantId,
        `its schema is not what its migrations make (in the copy ${some.join(', ')}${more}). Put what was changed by hand ` +
          'into a migration; `fleet.status({ drift: true })` shows it.',
      );
    }
  }

  async #schemaDifferences(source: CopySession, target: CopySession) {
    const table = migrationsTable(this.#parts.orm.orm);
    await Promise.all([source, target].map((session) => session.run("select set_config('search_path', '', false)")));
    const [expected, actual] = await Promise.all([
      objectsOf(source.connection, table),
      objectsOf(target.connection, table),
    ]);
    return schemaDifferences(expected, actual);
  }

  /** In turn on both servers, in the order of their names, so that no two copies wait for each other. */
  async #withBoth<R>(
    tenantId: string,
    from: DatabasePlace,
    to: DatabasePlace,
    work: (source: CopySession, target: CopySession) => Promise<R>,
  ): Promise<R> {
    const [first, second] = [from.server, to.server].sort((a, b) => (a.name < b.name ? -1 : 1));
    const both = (): Promise<R> =>
      this.#session(tenantId, from, (source) =>
        this.#session(tenantId, to, (target) => work(new CopySession(source), new CopySession(target))),
      );
    return first === second
      ? from.server.migrations.run(both)
      : (first as typeof from.server).migrations.run(() => (second as typeof from.server).migrations.run(both));
  }

  #session<R>(
    tenantId: string,
    { server, database }: DatabasePlace,
    work: (session: LentConnection) => Promise<R>,
  ): Promise<R> {
    return directSession({ server, tenantId, database, track: this.#parts.track }, work);
  }

  #migrator(tenantId: string, { server, database }: DatabasePlace): TenantMigrator {
    const { orm, track, lockTimeoutMs } = this.#parts;
    return new TenantMigrator({
      template: orm,
      // The tenant has these migrations; nobody migrated it.
      events: new TenancyEmitter(),
      target: async () => ({
        tenant: { id: tenantId, database, server: server.name },
        server,
        owner: { tenantId, label: `the copy of tenant "${tenantId}"`, refused: () => {} },
        contextName: `copy:${database}`,
      }),
      inTurn: (work) => work(),
      track,
      lockTimeoutMs,
    });
  }
}
