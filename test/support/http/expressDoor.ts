import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import express, { type NextFunction, type Request, type Response } from 'express';
import { tenancy, tenancyErrors } from '../../../src/express/index.ts';
import type { DoorAdapter, DoorReply } from './DoorAdapter.ts';
import { TestServer } from './TestServer.ts';

export const expressDoor: DoorAdapter<Request> = {
  showsPathBelowTenant: true,
  hasContextInEvents: true,
  statusesOfUnreadableTargets: [404],
  waitsForHandlers: false,
  headerOf: (req, name) => req.get(name),
  start: async ({ manager, options, handler, headersBefore = {} }) => {
    const app = express();
    app.use((_req, res, next) => {
      res.set(headersBefore);
      next();
    });
    const onFailure = (error: unknown): void => void server.errors.push(error);
    app.use(tenancy(manager, { ...options, onFailure }), express.json());
    app.use(async (req, res) => {
      const { tenant, tenantPath, path, method, body } = req;
      const header = (name: string) => req.get(name);
      answer(res, await handler({ tenant, tenantPath, path, method, header, body, req, res }));
    });
    app.use(tenancyErrors());
    app.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
      server.errors.push(error);
      if (res.headersSent) {
        next(error);
        return;
      }
      res.status(500).send('Internal Server Error');
    });
    const server = await TestServer.listen(createServer(app));
    return server;
  },
};

function answer(res: Response, { status = 200, headers = {}, body = '' }: DoorReply): void {
  res.status(status).set(headers);
  if (body instanceof Readable) {
    body.on('error', (error) => res.destroy(error)).pipe(res);
    res.on('close', () => body.destroy());
  } else {
    res.send(body);
  }
}
