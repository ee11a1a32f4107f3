import type { Context } from 'koa';

/** More than a token and a name. */
const LONGEST_FORM = 4_096;

/** The fields of a form, also where a body parser of the application was here before. */
export async function readForm(ctx: Context): Promise<ReadonlyMap<string, string>> {
  const { body } = ctx.request as { readonly body?: unknown };
  if (typeof body === 'object' && body !== null) {
    return new Map(Object.entries(body).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  }
  if (ctx.is('application/x-www-form-urlencoded') === false) {
    return ctx.throw(415, 'A form is expected.');
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of ctx.req) {
    length += (chunk as Buffer).length;
    if (length > LONGEST_FORM) {
      return ctx.throw(413, 'The form is too long.');
    }
    chunks.push(chunk as Buffer);
  }
  return new Map(new URLSearchParams(Buffer.concat(chunks).toString('utf8')));
}
