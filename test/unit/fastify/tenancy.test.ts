import { describe, expect, it } from '@jest/globals';
import Fastify, { type FastifyInstance } from 'fastify';
import { ManagerClosedError } from '../../../src/errors.ts';
import { byPath, bySubdomain, tenancy, tenancyErrors, trustResolution } from '../../../src/fastify/index.ts';
import { TestServer } from '../../support/http/TestServer.ts';
import { FakeManager } from '../../support/koa/FakeManager.ts';

const ACME = 'acme.example.com';
const options = { resolve: bySubdomain('example.com'), authorize: trustResolution, refusalFloorMs: 0 } as const;

function managerOf() {
  return new FakeManager(['acme', 'globex'].map((id) => ({ id, database: id })));
}

async function listen(app: FastifyInstance): Promise<TestServer> {
  await app.ready();
  return TestServer.listen(app.server);
}

describe('tenancy in Fastify', () => {
  it('keeps the tenant in every hook and in parsers of bodies', async () => {
    const manager = managerOf();
    const app = Fastify();
    const seen: string[] = [];
    const see = (name: string) => void seen.push(`${name} ${manager.currentTenant()?.id}`);
    const over = Promise.withResolvers<void>();
    app.register(tenancy(manager, options));
    app.register(async (part) => {
      part.addHook('onRequest', async () => see('onRequest'));
      part.addHook('preParsing', async () => see('preParsing'));
      part.addHook('preValidation', async () => see('preValidation'));
      part.addHook('preHandler', async () => see('preHandler'));
      part.addHook('preSerialization', async () => see('preSerialization'));
      part.addHook('onSend', async () => see('onSend'));
      part.addHook('onResponse', async () => {
        see('onResponse');
        over.resolve();
      });
      part.addContentTypeParser('text/own', (_request, payload, done) => {
        payload.resume().on('end', () => {
          see('parser');
          done(null, 'parsed');
        });
      });
      part.post('/', async (request) => ({ body: request.body }));
    });
    await using server = await listen(app);
    await server.send(ACME, '/', { 'content-type': 'text/own' }, 'POST', 'x'.repeat(200_000));
    await over.promise;
    const names = ['onRequest', 'preParsing', 'parser', 'preValidation', 'preHandler', 'preSerialization', 'onSend'];
    expect(seen).toEqual([...names, 'onResponse'].map((name) => `${name} acme`));
  });

  it('is part of the instance that it is registered on, and of no other', async () => {
    const manager = managerOf();
    const app = Fastify();
    app.register(async (part) => {
      part.register(tenancy(manager, { ...options, resolve: byPath({ prefix: '/t' }) }));
      part.get('/t/:tenant/houses', async ({ tenant, tenantPath }) => `${tenant?.id} ${tenantPath}`);
    });
    app.get('/health', async ({ tenant }) => `${tenant?.id}`);
    await using server = await listen(app);
    expect((await server.send('x', '/t/acme/houses')).body).toBe('acme /t/acme');
    expect((await server.send('x', '/health')).body).toBe('undefined');
  });

  it('keeps the error handler that the application has', async () => {
    const manager = managerOf();
    const app = Fastify();
    app.setErrorHandler(async (_error, _request, reply) => reply.code(418).send('own'));
    app.register(tenancy(manager, options));
    app.get('/', async () => {
      throw new Error('broken');
    });
    await using server = await listen(app);
    expect(await server.send(ACME)).toMatchObject({ status: 418, body: 'own' });
  });
});

describe('tenancyErrors', () => {
  it('answers the errors of the tenancy in a part that has an error handler of its own', async () => {
    const manager = managerOf();
    const app = Fastify();
    app.register(tenancy(manager, options));
    app.register(async (part) => {
      part.setErrorHandler(tenancyErrors(async (_error, _request, reply) => reply.code(418).send('own')));
      part.get('/closed', async () => {
        throw new ManagerClosedError();
      });
      part.get('/broken', async () => {
        throw new Error('broken');
      });
    });
    await using server = await listen(app);
    expect((await server.send(ACME, '/closed')).status).toBe(503);
    expect((await server.send(ACME, '/broken')).status).toBe(418);
  });
});
