import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Context } from 'koa';

const NAME = 'tenancy-dashboard';
const SECRET = /^[\w-]{43}$/;

/**
 * What a form of this page carries and a page of somebody else cannot know. It is made of a secret in a cookie, which no
 * script reads and which the browser sends from here alone, and is good for one form only. Any process can check it.
 */
export const formToken = {
  /** The token of the form at this path. Sets the cookie where the browser has none. */
  for(ctx: Context, path: string): string {
    let secret = secretOf(ctx);
    if (secret === undefined) {
      secret = randomBytes(32).toString('base64url');
      const { secure } = ctx;
      ctx.cookies.set(nameFor(ctx), secret, { httpOnly: true, sameSite: 'strict', secure, path: '/', signed: false });
    }
    return tokenOf(secret, path);
  },

  isValid(ctx: Context, path: string, token: string | undefined): boolean {
    const secret = secretOf(ctx);
    if (secret === undefined || token === undefined) {
      return false;
    }
    const [expected, given] = [Buffer.from(tokenOf(secret, path)), Buffer.from(token)];
    return expected.length === given.length && timingSafeEqual(expected, given);
  },
};

/** `__Host-`: a subdomain of a tenant cannot set it for this one. Browsers take the prefix over TLS only. */
const nameFor = ({ secure }: Context): string => (secure ? `__Host-${NAME}` : NAME);

function secretOf(ctx: Context): string | undefined {
  const secret = ctx.cookies.get(nameFor(ctx), { signed: false });
  return secret !== undefined && SECRET.test(secret) ? secret : undefined;
}

const tokenOf = (secret: string, path: string): string => createHmac('sha256', secret).update(path).digest('base64url');
