/** Columns under their titles, as wide as what is in them. Nothing without rows. */
export function table(titles: readonly string[], rows: readonly (readonly unknown[])[]): string[] {
  if (rows.length === 0) {
    return [];
  }
  const cells = [titles, ...rows.map((row) => row.map(textOf))];
  const widths = titles.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function textOf(value: unknown): string {
  const text = value === undefined || value === null ? '-' : typeof value === 'string' ? value : JSON.stringify(value);
  // One row is one line, whatever a tenant put into it.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal would obey
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
