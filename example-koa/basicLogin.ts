import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, Middleware } from 'koa';

/** Who has logged in. */
export interface LoginState {
  operator?: string;
}

const CHALLENGE = 'Basic realm="Operators", charset="UTF-8"';
const NAME = /^[\w.@ -]{1,60}$/;

/**
 * Asks the browser for a name and this password. The name says who it was in the log, and is not checked: where each
 * operator is to have a password, put your own login here.
 */
export function basicLogin(password: string): Middleware<LoginState> {
  return async (ctx, next) => {
    const [name, given] = credentialsOf(ctx);
    if (name === undefined || !NAME.test(name) || !isEqual(given, password)) {
      return ctx.throw(401, 'Log in as an operator.', { headers: { 'WWW-Authenticate': CHALLENGE } });
    }
    ctx.state.operator = name;
    await next();
  };
}

function credentialsOf(ctx: Context): [name: string | undefined, password: string] {
  const [, encoded] = /^Basic ([A-Za-z0-9+/]+={0,2})$/i.exec(ctx.get('Authorization')) ?? [];
  const text = Buffer.from(encoded ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1 ? [undefined, ''] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** Takes the same time wherever they differ, and however long they are. */
function isEqual(one: string, other: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}
