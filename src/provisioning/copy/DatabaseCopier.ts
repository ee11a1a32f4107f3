import type { Readable } from 'node:stream';
import type { LentConnection } from '../../connections/TenantPool.ts';
import { directSession } from '../../migrations/directSession.ts';
import type { CopierParts } from './CopierParts.ts';
import type { CopyDifference, CopyOptions, CopyReport, DatabasePlace } from './CopyOptions.ts';
import { CopySchema } from './CopySchema.ts';
import { CopySession } from './CopySession.ts';
import { compareRows } from './compareRows.ts';
import { DatabaseCopyError } from './copyErrors.ts';
import { copyRows } from './copyRows.ts';
import { EXPORT_FORMAT, type ExportEnd, exportJson } from './jsonExport.ts';
import { ExportLines } from './jsonImport.ts';
import { PgTools, type ToolRun } from './PgTools.ts';
import type { WrittenStream } from './WrittenStream.ts';

export interface ExportRun extends ToolRun {
  /** Tables that are left out, as `public.house`. @default none */
  readonly without?: readonly string[] | undefined;
}

/**
 * Copies the database of a tenant: by PostgreSQL's own programs where they are installed, or its schema by the same
 * migrations and its rows as PostgreSQL sends them. Owning both databases is enough.
 */
export class DatabaseCopier {
  readonly #parts: CopierParts;
  readonly #schema: CopySchema;
  #tools: Promise<PgTools | undefined> | undefined;

  constructor(parts: CopierParts) {
    this.#parts = parts;
    this.#schema = new CopySchema(parts);
  }

  /** Fills the empty database `to`, whole or not at all. Rejects with `DatabaseCopyError`. */
  async copy(options: CopyOptions): Promise<CopyReport> {
    const { tenantId, from, to, signal } = options;
    const tools = await this.#toolsFor(tenantId, [from, to]);
    if (tools === undefined) {
      return this.#stream(options);
    }
    await this.#restore(tenantId, to, () => this.#inTurn(from, to, () => tools.copy({ tenantId, from, to, signal })));
    return { by: 'pg_dump', tables: [] };
  }

  /** In what two databases differ, by the rows of each table, sequences and the schema. */
  async verify({ tenantId, from, to }: Omit<CopyOptions, 'signal' | 'onProgress'>): Promise<CopyDifference[]> {
    return this.#withBoth(tenantId, from, to, async (source, target) => {
      const schema = await this.#schema.differences(source, target);
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

  /** Writes a line of JSON for each row, and ends the stream. */
  async exportJson({ tenantId, place, without = [], signal }: ExportRun, to: WrittenStream): Promise<ExportEnd> {
    return this.#session(tenantId, place, async (connection) => {
      const session = new CopySession(connection);
      await this.#refuseLargeObjects(tenantId, session);
      const migrations = await this.#schema.executed(connection);
      await session.beginReading();
      await this.#assertTables(tenantId, session, without);
      const header = {
        format: EXPORT_FORMAT,
        tenantId,
        exportedAt: new Date().toISOString(),
        migrations,
        without,
      } as const;
      const end = await Promise.race([exportJson(session, to.stream, header, signal), to.failed]);
      await session.run('commit');
      to.stream.end();
      await to.written;
      return end;
    });
  }

  /** Fills the empty database from what {@link exportJson} has written, whole or not at all. */
  async importJson({ tenantId, place, signal }: ToolRun, from: Readable): Promise<ExportEnd> {
    await using lines = await ExportLines.open(tenantId, from);
    await this.#assertEmpty(tenantId, place);
    await this.#schema.make(tenantId, place, lines.header.migrations);
    await this.#prepare(tenantId, place);
    return await this.#session(tenantId, place, async (connection) => {
      const session = new CopySession(connection);
      await session.beginWriting();
      const tables = await session.tables();
      const end = await session.whileUnchecked(tables, async () => {
        const read = await lines.into(session, tables, signal);
        await session.setSequences(read.sequences);
        return read;
      });
      await session.refreshViews();
      await session.run('commit');
      await session.run('analyze');
      return end;
    });
  }

  /** The database as `pg_dump` writes it in its custom format. */
  async exportDump({ tenantId, place, without = [], signal }: ExportRun, to: WrittenStream): Promise<void> {
    const tools = await this.#neededTools(tenantId, [place]);
    await tools.dump(
      { tenantId, place, signal },
      to.stream,
      without.map((table) => `--exclude-table-data=${table}`),
    );
  }

  /** Fills the empty database from a dump of {@link exportDump}, whole or not at all. */
  async importDump({ tenantId, place, signal }: ToolRun, from: Readable): Promise<void> {
    const tools = await this.#neededTools(tenantId, [place]);
    await this.#restore(tenantId, place, () => tools.restore({ tenantId, place, signal }, from));
  }

  async #stream(options: CopyOptions): Promise<CopyReport> {
    const { tenantId, from, to, signal } = options;
    const migrations = await this.#session(tenantId, from, async (session) => {
      await this.#refuseLargeObjects(tenantId, new CopySession(session));
      return this.#schema.executed(session);
    });
    await this.#assertEmpty(tenantId, to);
    await this.#schema.make(tenantId, to, migrations);
    await this.#prepare(tenantId, to);
    signal?.throwIfAborted();
    return this.#withBoth(tenantId, from, to, async (source, target) => {
      await this.#schema.assertSame(tenantId, source, target);
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

  /** Grants in a dump are for roles that have to be there; what comes with it is granted afterwards. */
  async #restore(tenantId: string, to: DatabasePlace, restore: () => Promise<void>): Promise<void> {
    await this.#assertEmpty(tenantId, to);
    await this.#prepare(tenantId, to);
    await restore();
    await this.#prepare(tenantId, to);
    await this.#session(tenantId, to, (session) => new CopySession(session).run('analyze'));
  }

  async #toolsFor(tenantId: string, places: readonly DatabasePlace[]): Promise<PgTools | undefined> {
    const { by = 'auto', programs } = this.#parts.options;
    if (by === 'stream') {
      return undefined;
    }
    if (by === 'pg_dump') {
      return this.#neededTools(tenantId, places);
    }
    this.#tools ??= PgTools.find(programs);
    const tools = await this.#tools;
    if (tools === undefined) {
      return undefined;
    }
    const reachable = await Promise.all(places.map(({ server, database }) => server.environment(database)));
    const newest = await this.#newestMajor(tenantId, places);
    return reachable.includes(undefined) || tools.major < newest ? undefined : tools;
  }

  async #neededTools(tenantId: string, places: readonly DatabasePlace[]): Promise<PgTools> {
    this.#tools ??= PgTools.find(this.#parts.options.programs);
    const [tools, newest] = [await this.#tools, await this.#newestMajor(tenantId, places)];
    if (tools === undefined || tools.major < newest) {
      const found = tools === undefined ? 'neither is found' : `those found are of version ${tools.major}`;
      throw new DatabaseCopyError(
        tenantId,
        `this needs pg_dump and pg_restore of version ${newest}, and ${found}. Install them, or name their folder in ` +
          '`provisioning.copy.programs`.',
      );
    }
    return tools;
  }

  async #newestMajor(tenantId: string, places: readonly DatabasePlace[]): Promise<number> {
    const majors: number[] = [];
    for (const place of places) {
      const [row] = await this.#session(tenantId, place, (session) =>
        new CopySession(session).rows<{ major: number }>(
          "select current_setting('server_version_num')::int / 10000 as major",
        ),
      );
      majors.push(row?.major ?? 0);
    }
    return Math.max(...majors);
  }

  async #refuseLargeObjects(tenantId: string, session: CopySession): Promise<void> {
    if (await session.hasLargeObjects()) {
      throw new DatabaseCopyError(
        tenantId,
        'its database has large objects, which are copied by nothing but pg_dump. Install it, or move them to bytea columns or files.',
      );
    }
  }

  async #assertTables(tenantId: string, session: CopySession, names: readonly string[]): Promise<void> {
    const known = new Set((await session.tables()).map(({ name }) => name));
    const unknown = names.filter((name) => !known.has(name));
    if (unknown.length > 0) {
      throw new DatabaseCopyError(
        tenantId,
        `there is no table ${unknown.join(', ')} to leave out. Name them as public.house.`,
      );
    }
  }

  async #assertEmpty(tenantId: string, place: DatabasePlace): Promise<void> {
    await this.#session(tenantId, place, async (session) => {
      if (await new CopySession(session).hasRelations()) {
        throw new DatabaseCopyError(
          tenantId,
          `the database "${place.database}" is not empty; nothing is copied into it.`,
        );
      }
    });
  }

  async #prepare(tenantId: string, place: DatabasePlace): Promise<void> {
    const { prepare } = this.#parts;
    if (prepare !== undefined) {
      await this.#session(tenantId, place, prepare);
    }
  }

  #withBoth<R>(
    tenantId: string,
    from: DatabasePlace,
    to: DatabasePlace,
    work: (source: CopySession, target: CopySession) => Promise<R>,
  ): Promise<R> {
    return this.#inTurn(from, to, () =>
      this.#session(tenantId, from, (source) =>
        this.#session(tenantId, to, (target) => work(new CopySession(source), new CopySession(target))),
      ),
    );
  }

  /** In turn on both servers, in the order of their names, so that no two copies wait for each other. */
  #inTurn<R>({ server: one }: DatabasePlace, { server: other }: DatabasePlace, work: () => Promise<R>): Promise<R> {
    const [first, second] = one.name < other.name ? [one, other] : [other, one];
    return first.migrations.run(() => (first === second ? work() : second.migrations.run(work)));
  }

  #session<R>(
    tenantId: string,
    { server, database }: DatabasePlace,
    work: (session: LentConnection) => Promise<R>,
  ): Promise<R> {
    return directSession({ server, tenantId, database, track: this.#parts.track }, work);
  }
}
