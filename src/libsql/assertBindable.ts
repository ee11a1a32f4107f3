/** A text that SQLite may take for a JSON, as lenient as it is. */
const JSON_TEXT = /^\s*[[{"']/;
const ESCAPE = /\\(?:u([0-9a-f]{4})|[\s\S])/gi;

/**
 * Throws a `TypeError` for a parameter that `libsql` would not take, would give back as something else, or would end the
 * process for: at once, as for a boolean, or when a statement takes it out of a JSON.
 */
export function assertBindable(parameters: readonly unknown[]): void {
  for (const value of parameters) {
    if (typeof value === 'boolean') {
      throw new TypeError('libSQL can only bind numbers, strings, bigints, buffers, and null');
    }
    if (typeof value === 'string') {
      assertReadable(value);
    }
  }
}

function assertReadable(text: string): void {
  if (text.includes('\0')) {
    throw new TypeError('libSQL would read a text with a NUL up to there; take a blob');
  }
  if (/\\ud/i.test(text) && JSON_TEXT.test(text) && hasHalfPair(text)) {
    throw new TypeError(
      'A JSON has an escape of half a surrogate pair, for which libSQL ends the process when a statement extracts it; ' +
        'make its texts well-formed',
    );
  }
}

/** Whether a surrogate is escaped by itself: SQLite makes bytes of it that are no UTF-8. */
function hasHalfPair(text: string): boolean {
  /** Where the second half has to be. */
  let expectedAt: number | undefined;
  for (const { 0: written, 1: code = '', index } of text.matchAll(ESCAPE)) {
    const isSecond = /^d[c-f]/i.test(code);
    if (isSecond ? index !== expectedAt : expectedAt !== undefined) {
      return true;
    }
    expectedAt = /^d[89ab]/i.test(code) ? index + written.length : undefined;
  }
  return expectedAt !== undefined;
}
