/** Fields of a comment by their names. What is left out, or empty, is not written. */
export type SqlCommentFields = Readonly<Record<string, string | number | undefined>>;

/** Whose statement gets a comment. */
export interface SqlCommentOf {
  readonly tenantId: string;
  /** The name of the server. */
  readonly server: string;
}

/** Whether statements say in a comment for which tenant they are, and what else they say. */
export type SqlCommentOption = boolean | ((of: SqlCommentOf) => SqlCommentFields);

/** Gives the comment of the next statement, to be appended to it. */
export type SqlComment = () => string;

/**
 * Makes the comments of one connection's statements, in the format of sqlcommenter. Without further fields it is the same
 * for each of them; a function is called for each, in the async context of who sends the statement.
 */
export function sqlComment(option: SqlCommentOption | undefined, of: SqlCommentOf): SqlComment | undefined {
  if (option === undefined || option === false) {
    return undefined;
  }
  const tenant = of.tenantId;
  if (option === true) {
    const always = write({ tenant });
    return () => always;
  }
  // The tenant comes last: what the connection belongs to is not for a field to say.
  return () => write({ ...option(of), tenant });
}

/** Appends a comment to what a cursor or a copy sends once it is submitted. */
export function appendTo(submitted: object, comment: SqlComment): void {
  const { text } = submitted as { readonly text?: unknown };
  if (typeof text === 'string') {
    Object.assign(submitted, { text: text + comment() });
  }
}

/**
 * On a line of its own, as the statement may end with a comment to the end of its line. Nothing in it can end it:
 * `encode` leaves neither `/` nor a quote as they are.
 */
function write(fields: SqlCommentFields): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${encode(key)}='${encode(String(value))}'`)
    .sort();
  return `\n/*${pairs.join(',')}*/`;
}

/** As a URL has it, RFC 3986: `encodeURIComponent` leaves some characters that mean something in a comment or a string. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
