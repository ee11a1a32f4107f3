/**
 * Every value of the cookies with this name, as they are. A browser sends one name twice when a sibling domain has set
 * it too, and says nothing of whose is whose.
 */
export function cookieValues(lines: readonly string[], name: string): readonly string[] {
  return lines.flatMap((line) => line.split(';').flatMap((pair) => cookieValue(pair, name)));
}

function cookieValue(pair: string, name: string): readonly string[] {
  const equals = pair.indexOf('=');
  return equals !== -1 && trimmed(pair.slice(0, equals)) === name ? [trimmed(pair.slice(equals + 1))] : [];
}

/** Without the spaces and tabs around it; `trim` would take more for white space than HTTP does. */
function trimmed(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '');
}
