import type { LentConnection } from '../../connections/TenantPool.ts';
import { TenancyEmitter } from '../../events.ts';
import { executedNames, migrationsTable } from '../../migrations/executedMigrations.ts';
import { MigrationFiles } from '../../migrations/MigrationFiles.ts';
import { type SchemaDifference, schemaDifferences } from '../../migrations/status/schemaDifferences.ts';
import { objectsOf } from '../../migrations/status/schemaOf.ts';
import { TenantMigrator } from '../../migrations/TenantMigrator.ts';
import type { CopierParts } from './CopierParts.ts';
import type { DatabasePlace } from './CopyOptions.ts';
import type { CopySession } from './CopySession.ts';
import { DatabaseCopyError } from './copyErrors.ts';

/** How many differences a message names. */
const SHOWN = 5;

/** The schema of a copy: made by the same migrations, and the same as its source's. */
export class CopySchema {
  readonly #parts: CopierParts;

  constructor(parts: CopierParts) {
    this.#parts = parts;
  }

  /** The names of the migrations that a database has, in the order of their application. */
  async executed(session: LentConnection): Promise<string[]> {
    return executedNames(session, migrationsTable(this.#parts.orm.orm));
  }

  /** Applies these migrations to an empty database. Rejects with `DatabaseCopyError` where this release lacks one. */
  async make(tenantId: string, to: DatabasePlace, migrations: readonly string[]): Promise<void> {
    const known = new Set((await new MigrationFiles(this.#parts.orm.orm).list()).map(({ name }) => name));
    const unknown = migrations.filter((name) => !known.has(name));
    if (unknown.length > 0) {
      throw new DatabaseCopyError(
        tenantId,
        `its database has migrations that this release does not know (${unknown.join(', ')}). Use a release that does.`,
      );
    }
    if (migrations.length > 0) {
      await this.#migrator(tenantId, to).up({ migrations: [...migrations] });
    }
  }

  async assertSame(tenantId: string, source: CopySession, target: CopySession): Promise<void> {
    const differences = await this.differences(source, target);
    if (differences.length > 0) {
      const some = differences.slice(0, SHOWN).map(({ kind, name, is }) => `${kind} ${name} is ${is}`);
      const more = differences.length > SHOWN ? `, and ${differences.length - SHOWN} more` : '';
      throw new DatabaseCopyError(
        tenantId,
        `its schema is not what its migrations make (in the copy ${some.join(', ')}${more}). Put what was changed by hand ` +
          'into a migration, or install pg_dump and pg_restore, which copy whatever there is.',
      );
    }
  }

  async differences(source: CopySession, target: CopySession): Promise<SchemaDifference[]> {
    const table = migrationsTable(this.#parts.orm.orm);
    await Promise.all([source, target].map((session) => session.run("select set_config('search_path', '', false)")));
    const [expected, actual] = await Promise.all([
      objectsOf(source.connection, table),
      objectsOf(target.connection, table),
    ]);
    return schemaDifferences(expected, actual);
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
