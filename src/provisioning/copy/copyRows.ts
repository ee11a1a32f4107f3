import { pipeline } from 'node:stream/promises';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import type { CopySession, CopyTable } from './CopySession.ts';

/** The rows of one table from one session to another, as the servers send and take them. Gives how many they were. */
export async function copyRows(
  source: CopySession,
  target: CopySession,
  { name, columns }: CopyTable,
  signal: AbortSignal | undefined,
): Promise<number> {
  const what = columns === '' ? name : `${name} (${columns})`;
  const reading = source.connection.query(copyTo(`copy ${what} to stdout`));
  const writing = target.connection.query(copyFrom(`copy ${what} from stdin`));
  await pipeline(reading, writing, signal === undefined ? {} : { signal });
  return writing.rowCount ?? 0;
}
