/** Comments may stand between any two words. */
const COMMENT = /--[^\n]*|\/\*[\s\S]*?\*\//g;

/** Tells whether a statement gives one of these pragmas a value, also where it only explains that: SQLite does it then as well. */
export function settingOf(...pragmas: readonly string[]): (text: string) => boolean {
  const sets = new RegExp(`\\bpragma\\b[^;]*\\b(?:${pragmas.join('|')})\\b['"\`\\]\\s]*(?:=|\\()`, 'i');
  return (text) => /\bpragma\b/i.test(text) && sets.test(text.replace(COMMENT, ' '));
}
