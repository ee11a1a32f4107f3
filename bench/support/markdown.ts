import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const README = join(import.meta.dirname, '../README.md');

/** A table as a formatter leaves it. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => (row[column] ?? '').length)));
  const lineOf = (cells: readonly string[], fill = ' ') =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width, fill)).join(' | ')} |`;
  return [
    lineOf(head),
    lineOf(
      head.map(() => ''),
      '-',
    ),
    ...rows.map((row) => lineOf(row)),
  ].join('\n');
}

/** Puts the text between `<!-- name -->` and `<!-- /name -->` of bench/README.md, where whoever wrote it put these. */
export function writeSection(name: string, text: string): void {
  const readme = readFileSync(README, 'utf8');
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [readme.indexOf(start), readme.indexOf(end)];
  if (from === -1 || to < from) {
    throw new Error(`bench/README.md has no ${start} … ${end}.`);
  }
  writeFileSync(README, `${readme.slice(0, from + start.length)}\n\n${text}\n\n${readme.slice(to)}`);
}

/** Three digits, as everywhere in the results. */
export function digits(value: number): string {
  const rounded = Number(value.toPrecision(3));
  return rounded >= 10_000 ? String(rounded).replace(/(\d)(?=(\d{3})+$)/g, '$1 ') : String(rounded);
}
