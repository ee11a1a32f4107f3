import 'reflect-metadata';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import {
  All,
  type ArgumentsHost,
  Catch,
  Controller,
  type INestApplication,
  Module,
  Req,
  Res,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { NodeRequest } from '../../../../src/http/NodeExchange.ts';
import { type NestTenancyManager, TenancyModule } from '../../../../src/nestjs/index.ts';
import type { Tenant } from '../../../../src/tenant/Tenant.ts';
import type { DoorAdapter, DoorHandler, DoorReply, DoorSetup } from '../DoorAdapter.ts';
import { TestServer } from '../TestServer.ts';

type RequestOfTenant = NodeRequest & { readonly tenant?: Tenant; readonly tenantPath?: string };

/** The application as a module of Nest. `answer` sends what the handler gives, in the way of the platform. */
function moduleOf(
  { manager, options }: DoorSetup<NodeRequest>,
  errors: unknown[],
  route: string,
  handle: (req: never, res: never) => Promise<void>,
): Type {
  @Controller()
  class Everything {
    @All(route)
    async all(@Req() req: never, @Res() res: never): Promise<void> {
      await handle(req, res);
    }
  }

  @Catch()
  class Errors {
    catch(error: unknown, host: ArgumentsHost): void {
      errors.push(error);
      const response = host
        .switchToHttp()
        .getResponse<ServerResponse & { raw?: ServerResponse; hijack?: () => void }>();
      response.hijack?.();
      const res = response.raw ?? response;
      if (res.headersSent) {
        res.destroy();
        return;
      }
      res.writeHead(500).end('Internal Server Error');
    }
  }

  const tenancy = TenancyModule.forRoot({
    ...options,
    manager: Object.assign(manager, { em: {}, close: async () => {} }) as unknown as NestTenancyManager,
    onFailure: (error) => errors.push(error),
  });

  @Module({
    imports: [tenancy],
    controllers: [Everything],
    providers: [{ provide: APP_FILTER, useClass: Errors }],
  })
  class Application {}
  return Application;
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  return [headers[name.toLowerCase()]].flat()[0];
}

function callOf(req: RequestOfTenant, res: ServerResponse, url: string, body: unknown): Parameters<DoorHandler>[0] {
  const { tenant, tenantPath, method = '' } = req;
  const [path = ''] = url.split('?', 1);
  return { tenant, tenantPath, path, method, header: (name) => headerOf(req, name), body, req, res };
}

async function serve(app: INestApplication, errors: unknown[]): Promise<TestServer> {
  await app.init();
  const server = await TestServer.listen(app.getHttpServer());
  errors.push = (...each: unknown[]) => server.errors.push(...each);
  return server;
}

export const nestOnExpress: DoorAdapter<NodeRequest> = {
  showsPathBelowTenant: true,
  hasContextInEvents: true,
  // Express throws for what it cannot decode, which this application answers like every error.
  statusesOfUnreadableTargets: [404, 500],
  parsesBodiesFirst: true,
  waitsForHandlers: false,
  headerOf,
  start: async (setup) => {
    const errors: unknown[] = [];
    const { handler, headersBefore = {} } = setup;
    const module = moduleOf(
      setup,
      errors,
      '{*path}',
      async (req: RequestOfTenant & { body: unknown }, res: ServerResponse) => {
        answer(res, await handler(callOf(req, res, req.url ?? '', req.body)));
      },
    );
    const app = await NestFactory.create<NestExpressApplication>(module, { logger: false });
    app.use((_req: unknown, res: ServerResponse, next: () => void) => {
      for (const [name, value] of Object.entries(headersBefore)) {
        res.setHeader(name, value);
      }
      next();
    });
    return serve(app, errors);
  },
};

function answer(res: ServerResponse, { status = 200, headers = {}, body = '' }: DoorReply): void {
  res.writeHead(status, headers);
  if (body instanceof Readable) {
    body.on('error', (error) => res.destroy(error)).pipe(res);
    res.on('close', () => body.destroy());
  } else {
    res.end(body);
  }
}

export const nestOnFastify: DoorAdapter<NodeRequest> = {
  showsPathBelowTenant: false,
  hasContextInEvents: true,
  // What stands before Fastify's middleware parses targets by itself, and fails.
  statusesOfUnreadableTargets: [400, 500],
  waitsForHandlers: false,
  headerOf,
  start: async (setup) => {
    const errors: unknown[] = [];
    const { handler, headersBefore = {} } = setup;
    const module = moduleOf(setup, errors, '*', async (request: FastifyRequest, reply: FastifyReply) => {
      const { raw, url, body: parsed } = request;
      const { status = 200, headers = {}, body = '' } = await handler(callOf(raw, reply.raw, url, parsed));
      await reply.code(status).headers(headers).send(body);
    });
    const adapter = new FastifyAdapter();
    adapter.getInstance().addHook('onRequest', async (_request, reply) => {
      for (const [name, value] of Object.entries(headersBefore)) {
        reply.raw.setHeader(name, value);
      }
    });
    const app = await NestFactory.create(module, adapter, { logger: false });
    await app.init();
    await adapter.getInstance().ready();
    return serve(app, errors);
  },
};
