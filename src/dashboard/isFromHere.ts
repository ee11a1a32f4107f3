import type { Context } from 'koa';

/**
 * Whether a browser sends this for a page of the very same origin. Other subdomains count as the same site for cookies,
 * and may be pages of tenants. A browser says one of the two with every form; who says neither is refused.
 */
export function isFromHere(ctx: Context): boolean {
  const site = ctx.get('Sec-Fetch-Site');
  if (site !== '') {
    return site === 'same-origin';
  }
  const origin = ctx.get('Origin');
  return URL.canParse(origin) && new URL(origin).host === ctx.host;
}
