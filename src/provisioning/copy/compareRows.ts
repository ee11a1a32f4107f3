import type { CopyDifference } from './CopyOptions.ts';
import type { CopySession, CopyTable } from './CopySession.ts';

interface Sum {
  readonly rows: string;
  readonly sum: string;
}

/** In which tables and sequences two databases differ. The order of rows does not count. */
export async function compareRows(source: CopySession, target: CopySession): Promise<CopyDifference[]> {
  const [tables, others] = await Promise.all([source.tables(), target.tables()]);
  const differences = namesThatDiffer(tables, others);
  const both = tables.filter(({ name }) => others.some((other) => other.name === name));
  for (const { name } of both) {
    const [one, other] = await Promise.all([sumOf(source, name), sumOf(target, name)]);
    if (one !== other) {
      differences.push({ what: 'rows', name, source: one, target: other });
    }
  }
  const [sequences, copies] = await Promise.all([source.sequences(), target.sequences()]);
  for (const { name, lastValue, isCalled } of sequences) {
    const copy = copies.find((one) => one.name === name);
    if (copy?.lastValue !== lastValue || copy.isCalled !== isCalled) {
      differences.push({ what: 'sequence', name, source: lastValue, target: copy?.lastValue ?? 'missing' });
    }
  }
  return differences;
}

function namesThatDiffer(tables: readonly CopyTable[], others: readonly CopyTable[]): CopyDifference[] {
  const missing = tables.filter(({ name }) => !others.some((other) => other.name === name));
  const extra = others.filter(({ name }) => !tables.some((table) => table.name === name));
  return [
    ...missing.map(({ name }) => ({ what: 'rows' as const, name, source: 'there', target: 'missing' })),
    ...extra.map(({ name }) => ({ what: 'rows' as const, name, source: 'missing', target: 'there' })),
  ];
}

/** A sum of 64-bit hashes over the text of each row, so that neither their order nor the storage counts. */
async function sumOf(session: CopySession, table: string): Promise<string> {
  const [row] = await session.rows<Sum>(
    `select count(*)::text as rows, coalesce(sum(hashtextextended(one::text, 0)::numeric), 0)::text as sum from only ${table} one`,
  );
  return `${row?.rows} rows, sum ${row?.sum}`;
}
