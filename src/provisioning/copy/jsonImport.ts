import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { messageOf } from '../../errors.ts';
import type { CopySession, CopyTable } from './CopySession.ts';
import { DatabaseCopyError } from './copyErrors.ts';
import { EXPORT_FORMAT, type ExportEnd, type ExportHeader } from './jsonExport.ts';

/** A line of a row: PostgreSQL reads what is in it, so that no number goes through JavaScript. */
const ROW = /^\{"table":("(?:[^"\\]|\\.)*"),"row":(\{.*\})\}$/;
/** Rows are inserted when so many characters of them are there. */
const BATCH_CHARACTERS = 1024 * 1024;

/** The lines of a file that {@link exportJson} has written, its first one read. */
export class ExportLines implements AsyncDisposable {
  readonly header: ExportHeader;
  readonly #lines: AsyncIterator<string>;
  readonly #tenantId: string;
  readonly #close: () => void;

  private constructor(tenantId: string, header: ExportHeader, lines: AsyncIterator<string>, close: () => void) {
    this.#tenantId = tenantId;
    this.header = header;
    this.#lines = lines;
    this.#close = close;
  }

  static async open(tenantId: string, from: Readable): Promise<ExportLines> {
    const reader = createInterface({ input: from, crlfDelay: Number.POSITIVE_INFINITY });
    const lines = reader[Symbol.asyncIterator]();
    const { value = '' } = await lines.next();
    let header: Partial<ExportHeader> = {};
    try {
      header = JSON.parse(value as string) as Partial<ExportHeader>;
    } catch {
      // Said below.
    }
    if (header.format !== EXPORT_FORMAT || !Array.isArray(header.migrations)) {
      reader.close();
      throw new DatabaseCopyError(
        tenantId,
        `line 1 is not that of an export ("format": "${EXPORT_FORMAT}"); nothing was imported.`,
      );
    }
    return new ExportLines(tenantId, header as ExportHeader, lines, () => reader.close());
  }

  /** Inserts every row, in a transaction of the caller. Tables are empty, and nothing is checked meanwhile. */
  async into(session: CopySession, tables: readonly CopyTable[], signal: AbortSignal | undefined): Promise<ExportEnd> {
    const batch = new Batch(this.#tenantId, session, tables);
    for (let number = 2; ; number += 1) {
      signal?.throwIfAborted();
      const { value, done } = await this.#lines.next();
      if (done === true) {
        throw this.#refusal(number, 'the file ends without its last line: it was cut off');
      }
      const [, table, row] = ROW.exec(value as string) ?? [];
      if (table !== undefined && row !== undefined) {
        await batch.add(JSON.parse(table) as string, row, number);
      } else {
        const end = this.#endOf(value as string, number);
        await batch.flush();
        this.#assertComplete(end, batch.counts, number);
        return end;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
  }

  #endOf(line: string, number: number): ExportEnd {
    try {
      const end = JSON.parse(line) as Partial<ExportEnd>;
      if (end.end === true && end.rows !== undefined && Array.isArray(end.sequences)) {
        return end as ExportEnd;
      }
    } catch {
      // Said below.
    }
    throw this.#refusal(number, 'it is neither a row nor the end');
  }

  #assertComplete({ rows }: ExportEnd, counts: ReadonlyMap<string, number>, number: number): void {
    for (const [table, count] of Object.entries(rows)) {
      if ((counts.get(table) ?? 0) !== count) {
        throw this.#refusal(
          number,
          `it says that ${table} has ${count} rows, and there were ${counts.get(table) ?? 0}`,
        );
      }
    }
  }

  #refusal(line: number, why: string): DatabaseCopyError {
    return new DatabaseCopyError(this.#tenantId, `line ${line}: ${why}. Nothing was imported.`);
  }
}

/** Rows of one table after another, inserted some at a time. */
class Batch {
  readonly counts = new Map<string, number>();
  readonly #tenantId: string;
  readonly #session: CopySession;
  readonly #tables: ReadonlyMap<string, CopyTable>;
  #table: CopyTable | undefined;
  #rows: string[] = [];
  #characters = 0;
  #firstLine = 0;

  constructor(tenantId: string, session: CopySession, tables: readonly CopyTable[]) {
    this.#tenantId = tenantId;
    this.#session = session;
    this.#tables = new Map(tables.map((table) => [table.name, table]));
  }

  async add(name: string, row: string, line: number): Promise<void> {
    if (this.#table?.name !== name) {
      await this.flush();
      this.#table = this.#tables.get(name);
      if (this.#table === undefined) {
        throw new DatabaseCopyError(this.#tenantId, `line ${line}: there is no table ${name}. Nothing was imported.`);
      }
    }
    this.#firstLine ||= line;
    this.#rows.push(row);
    this.#characters += row.length;
    if (this.#characters >= BATCH_CHARACTERS) {
      await this.flush();
    }
  }

  async flush(): Promise<void> {
    const table = this.#table;
    if (table === undefined || this.#rows.length === 0) {
      return;
    }
    const { name, columns } = table;
    try {
      await this.#session.connection.query(
        `insert into ${name} (${columns}) overriding system value
         select ${columns} from json_populate_recordset(null::${name}, $1::json)`,
        [`[${this.#rows.join(',')}]`],
      );
    } catch (error) {
      const last = this.#firstLine + this.#rows.length - 1;
      throw new DatabaseCopyError(
        this.#tenantId,
        `lines ${this.#firstLine} to ${last}: ${messageOf(error)}. Nothing was imported.`,
        { cause: error },
      );
    }
    this.counts.set(name, (this.counts.get(name) ?? 0) + this.#rows.length);
    this.#rows = [];
    this.#characters = 0;
    this.#firstLine = 0;
  }
}
