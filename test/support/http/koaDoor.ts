import { bodyParser } from '@koa/bodyparser';
import type { Context, Middleware } from 'koa';
import { tenancy } from '../../../src/koa/index.ts';
import { KoaServer } from '../koa/KoaServer.ts';
import type { DoorAdapter } from './DoorAdapter.ts';

export const koaDoor: DoorAdapter<Context> = {
  showsPathBelowTenant: true,
  hasContextInEvents: false,
  waitsForHandlers: true,
  headerOf: (ctx, name) => ctx.get(name) || undefined,
  start: async ({ manager, options, handler, headersBefore = {} }) =>
    KoaServer.start(
      (ctx, next) => {
        ctx.set({ ...headersBefore });
        return next();
      },
      tenancy(manager, options) as Middleware,
      bodyParser() as Middleware,
      async (ctx) => {
        const { path, method, req, res } = ctx;
        const { tenant, tenantPath } = ctx.state as { tenant?: never; tenantPath?: string };
        const header = (name: string) => koaDoor.headerOf(ctx as Context, name);
        const { body: parsed } = ctx.request as { body?: unknown };
        const {
          status = 200,
          headers = {},
          body = '',
        } = await handler({
          ...{ tenant, tenantPath, path, method, header, body: parsed, req, res },
        });
        ctx.status = status;
        ctx.set({ ...headers });
        ctx.body = body;
      },
    ),
};
