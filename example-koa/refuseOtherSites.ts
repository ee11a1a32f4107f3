import type { Context, Next } from 'koa';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses changes that a browser sends for a page of another origin. Subdomains count as one site for browsers and
 * their SameSite cookies, so that otherwise a page of one tenant could post to another in the name of its visitor.
 */
export async function refuseOtherSites(ctx: Context, next: Next): Promise<void> {
  const site = ctx.get('Sec-Fetch-Site');
  if (!SAFE_METHODS.has(ctx.method) && !['', 'none', 'same-origin'].includes(site)) {
    ctx.throw(403, 'Changes are only accepted from pages of this address.');
  }
  await next();
}
