import { bodyParser } from '@koa/bodyparser';
import type { Context, Next } from 'koa';

/** Parses a body of one of these types, and refuses every other one. */
export function body(...types: readonly ('json' | 'urlencoded')[]) {
  const parse = bodyParser({
    jsonLimit: '64kb',
    formLimit: '64kb',
    onError: (error: Error & { readonly status?: number }, ctx) =>
      ctx.throw(error.status ?? 400, `The body cannot be read: ${error.message}`),
  });
  return async (ctx: Context, next: Next): Promise<void> => {
    if (!ctx.is([...types])) {
      ctx.throw(415, `The body must be ${types.join(' or ')}.`);
    }
    await parse(ctx, next);
  };
}
