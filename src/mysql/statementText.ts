const LITERAL = /'[^'\\]*(?:(?:\\[\s\S]|'')[^'\\]*)*'|"[^"\\]*(?:(?:\\[\s\S]|"")[^"\\]*)*"/g;
const COMMENT = /\/\*(?!M?!)[\s\S]*?\*\/|(?:--(?=\s)|#)[^\n]*/g;

/**
 * A statement without what is in its strings and comments. A comment that the server executes stays. Not a parser: what a
 * statement hides from it on purpose, as in a string that it prepares, is hidden.
 */
export function bareText(text: string): string {
  return text.replace(LITERAL, "''").replace(COMMENT, ' ');
}
