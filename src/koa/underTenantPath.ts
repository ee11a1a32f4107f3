import type { Context } from 'koa';

/** What stands before `path` in the path of the request: `/t/acme` of `/t/acme/houses`. */
export function tenantPathOf(ctx: Context, path: string | undefined): string {
  if (path === undefined) {
    return '';
  }
  return ctx.path.endsWith(path) ? ctx.path.slice(0, -path.length) : ctx.path;
}

/** Runs `work` with `ctx.path` set to `path`, if there is one, and puts the URL back afterwards. */
export async function underTenantPath(
  ctx: Context,
  path: string | undefined,
  work: () => Promise<void>,
): Promise<void> {
  if (path === undefined) {
    return work();
  }
  const { url } = ctx;
  // Not by `ctx.path =`: that changes the parsed URL in Koa's cache, which would be found again after putting it back.
  ctx.url = path + ctx.search;
  try {
    await work();
  } finally {
    ctx.url = url;
  }
}
