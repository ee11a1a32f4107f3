import type { Context } from 'koa';

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
