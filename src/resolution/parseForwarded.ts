import { BadTenantRequestError } from '../errors.ts';

/** What one proxy said of the request that it received: parameters by their names in lower case. */
export type ForwardedElement = ReadonlyMap<string, string>;

/** One parameter of RFC 7239, and what comes after it. A value is a token or a quoted string. */
const PAIR =
  /([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~-]+)|"((?:[\t !#-[\]-~\u0080-\u00ff]|\\[\t -~\u0080-\u00ff])*)")(;|[ \t]*,[ \t]*|$)/y;

/**
 * Parses the lines of the Forwarded header (RFC 7239), strictly: of a value that is only almost right, two programs
 * make two things. Throws {@link BadTenantRequestError}.
 */
export function parseForwarded(lines: readonly string[]): readonly ForwardedElement[] {
  return lines.flatMap(parseLine);
}

function parseLine(line: string): ForwardedElement[] {
  const elements: ForwardedElement[] = [];
  let element = new Map<string, string>();
  let delimiter: string | undefined;
  PAIR.lastIndex = 0;
  while (delimiter !== '') {
    const [, name, token, quoted, end] = PAIR.exec(line) ?? [];
    const key = name?.toLowerCase();
    if (key === undefined || element.has(key)) {
      throw new BadTenantRequestError('The Forwarded header of the request is malformed.');
    }
    // PAIR has found one of the two.
    element.set(key, token ?? (quoted as string).replace(/\\(.)/g, '$1'));
    delimiter = end;
    if (delimiter !== ';') {
      elements.push(element);
      element = new Map();
    }
  }
  return elements;
}
