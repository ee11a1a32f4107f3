import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { tenancy } from '../../../src/hono/index.ts';
import type { TenancyState } from '../../../src/http/HttpExchange.ts';
import type { DoorAdapter } from './DoorAdapter.ts';
import { TestServer } from './TestServer.ts';

interface Env {
  Bindings: HttpBindings;
  Variables: Partial<TenancyState>;
}

export const honoDoor: DoorAdapter<Context> = {
  showsPathBelowTenant: false,
  hasContextInEvents: true,
  waitsForHandlers: true,
  refusesHostsItself: true,
  statusesOfUnreadableTargets: [400],
  headerOf: (c, name) => c.req.header(name),
  start: async ({ manager, options, handler, headersBefore = {} }) => {
    const app = new Hono<Env>();
    app.use(async (c, next) => {
      for (const [name, value] of Object.entries(headersBefore)) {
        c.header(name, value);
      }
      await next();
    });
    const onFailure = (error: unknown): void => void server.errors.push(error);
    app.use(tenancy(manager, { ...options, onFailure }) as never);
    app.onError((error, c) => {
      server.errors.push(error);
      return c.text('Internal Server Error', 500);
    });
    app.all('*', async (c) => {
      const { incoming, outgoing } = c.env;
      const header = (name: string) => c.req.header(name);
      const isJson = header('content-type') === 'application/json';
      const {
        status = 200,
        headers = {},
        body = '',
      } = await handler({
        ...{ tenant: c.get('tenant'), tenantPath: c.get('tenantPath'), path: c.req.path, method: c.req.method, header },
        ...{ body: isJson ? await c.req.json() : undefined, req: incoming, res: outgoing },
      });
      const isEmpty = status === 204 || status === 304;
      const web = body instanceof Readable ? (Readable.toWeb(body) as ReadableStream) : isEmpty ? null : body;
      return new Response(web, { status, headers });
    });
    const listener = getRequestListener(app.fetch);
    const server = await TestServer.listen(createServer((req, res) => void listener(req, res)));
    return server;
  },
};
