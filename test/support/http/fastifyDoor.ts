import Fastify, { type FastifyRequest } from 'fastify';
import { tenancy } from '../../../src/fastify/index.ts';
import type { DoorAdapter } from './DoorAdapter.ts';
import { TestServer } from './TestServer.ts';

export const fastifyDoor: DoorAdapter<FastifyRequest> = {
  showsPathBelowTenant: false,
  hasContextInEvents: true,
  statusesOfUnreadableTargets: [400],
  waitsForHandlers: false,
  headerOf: ({ headers }, name) => [headers[name.toLowerCase()]].flat()[0],
  start: async ({ manager, options, handler, headersBefore = {} }) => {
    const app = Fastify();
    app.addHook('onRequest', async (request, reply) => {
      reply.headers(headersBefore);
      request.log = { ...request.log, error: (error: unknown) => void server.errors.push(error) };
    });
    app.setErrorHandler((error, _request, reply) => {
      server.errors.push(error);
      return reply.code(500).send('Internal Server Error');
    });
    app.register(tenancy(manager, options));
    app.setNotFoundHandler(async () => 'not routed');
    app.all('/*', async (request, reply) => {
      const { tenant, tenantPath, method, body } = request;
      const [path = ''] = request.url.split('?', 1);
      const header = (name: string) => fastifyDoor.headerOf(request, name);
      const call = { tenant, tenantPath, path, method, header, body, req: request.raw, res: reply.raw };
      const { status = 200, headers = {}, body: answer = '' } = await handler(call);
      return reply.code(status).headers(headers).send(answer);
    });
    await app.ready();
    const server = await TestServer.listen(app.server);
    return server;
  },
};
