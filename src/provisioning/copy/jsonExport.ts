import { once } from 'node:events';
import type { Writable } from 'node:stream';
import Cursor from 'pg-cursor';
import type { CopySession, CopyTable, SequenceState } from './CopySession.ts';

/** The first line of a file. */
export interface ExportHeader {
  readonly format: typeof EXPORT_FORMAT;
  readonly tenantId: string;
  /** ISO 8601, in UTC. */
  readonly exportedAt: string;
  /** Applied in this order. */
  readonly migrations: readonly string[];
  /** Tables that were left out, as `public.house`. */
  readonly without: readonly string[];
}

/** The last line, by which a file that was cut is noticed. */
export interface ExportEnd {
  readonly end: true;
  /** By table. */
  readonly rows: Readonly<Record<string, number>>;
  readonly sequences: readonly SequenceState[];
}

export const EXPORT_FORMAT = 'mikro-orm-multitenancy/1';

const ROWS_AT_ONCE = 500;

/**
 * One line of JSON for each row, as PostgreSQL writes it: numbers keep every digit. The session is in a transaction that
 * reads one moment.
 */
export async function exportJson(
  session: CopySession,
  to: Writable,
  header: ExportHeader,
  signal: AbortSignal | undefined,
): Promise<ExportEnd> {
  const write = async (line: string): Promise<void> => {
    signal?.throwIfAborted();
    if (!to.write(`${line}\n`)) {
      await once(to, 'drain', signal === undefined ? {} : { signal });
    }
  };
  await write(JSON.stringify(header));
  const rows: Record<string, number> = {};
  for (const table of await session.tables()) {
    if (!header.without.includes(table.name)) {
      rows[table.name] = await exportTable(session, table, write);
    }
  }
  const end: ExportEnd = { end: true, rows, sequences: await session.sequences() };
  await write(JSON.stringify(end));
  return end;
}

async function exportTable(
  { connection }: CopySession,
  { name }: CopyTable,
  write: (line: string) => Promise<void>,
): Promise<number> {
  const cursor = connection.query(
    new Cursor<{ readonly row: string }>(`select row_to_json(one)::text as row from only ${name} one`),
  );
  let count = 0;
  try {
    for (let rows = await cursor.read(ROWS_AT_ONCE); rows.length > 0; rows = await cursor.read(ROWS_AT_ONCE)) {
      for (const { row } of rows) {
        await write(`{"table":${JSON.stringify(name)},"row":${row.replaceAll('\n', ' ')}}`);
      }
      count += rows.length;
    }
  } finally {
    await cursor.close();
  }
  return count;
}
