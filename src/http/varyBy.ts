/** The value of `Vary` with these names in it as well. */
export function varyBy(vary: string, names: readonly string[]): string {
  const known = vary
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const lower = known.map((name) => name.toLowerCase());
  return lower.includes('*')
    ? '*'
    : [...known, ...names.filter((name) => !lower.includes(name.toLowerCase()))].join(', ');
}
