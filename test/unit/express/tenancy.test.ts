import { createServer } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import express, { type Express, Router } from 'express';
import session from 'express-session';
import multer from 'multer';
import { BadTenantRequestError, ManagerClosedError } from '../../../src/errors.ts';
import { byPath, bySubdomain, tenancy, tenancyErrors, trustResolution } from '../../../src/express/index.ts';
import { TestServer } from '../../support/http/TestServer.ts';
import { FakeManager } from '../../support/koa/FakeManager.ts';

const ACME = 'acme.example.com';
const GLOBEX = 'globex.example.com';
const options = { resolve: bySubdomain('example.com'), authorize: trustResolution, refusalFloorMs: 0 } as const;

function managerOf() {
  return new FakeManager(['acme', 'globex'].map((id) => ({ id, database: id })));
}

const listen = (app: Express) => TestServer.listen(createServer(app));

describe('tenancy in Express', () => {
  it('keeps the tenant in callbacks of the request, and behind parsers that are made of them', async () => {
    const manager = managerOf();
    const app = express().use(tenancy(manager, options));
    app.post('/upload', multer().single('file'), (req, res) => {
      res.send(`${manager.currentTenant()?.id} ${req.file?.size}`);
    });
    app.post('/raw', (req, res) => {
      let length = 0;
      req.on('data', (chunk: Buffer) => {
        length += chunk.length;
      });
      req.on('end', () => res.send(`${manager.currentTenant()?.id} ${length}`));
    });
    await using server = await listen(app);
    const file = 'x'.repeat(300_000);
    expect((await server.send(ACME, '/raw', {}, 'POST', file)).body).toBe('acme 300000');
    const part = '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n';
    const type = { 'content-type': 'multipart/form-data; boundary=b' };
    const answer = await server.send(GLOBEX, '/upload', type, 'POST', `${part}${file}\r\n--b--\r\n`);
    expect(answer.body).toBe('globex 300000');
  });

  it('sees the paths of the router that it is used in, and its tenants those below', async () => {
    const manager = managerOf();
    const router = Router();
    router.use(tenancy(manager, { ...options, resolve: byPath({ prefix: '/t' }) }));
    router.get('/houses', (req, res) => {
      res.send(`${req.tenant?.id} ${req.baseUrl} ${req.tenantPath} ${req.url} ${req.originalUrl}`);
    });
    await using server = await listen(express().use('/api', router));
    const { body } = await server.send('x', '/api/t/acme/houses?a=1');
    expect(body).toBe('acme /api /t/acme /houses?a=1 /api/t/acme/houses?a=1');
    expect((await server.send('x', '/api/t/nobody/houses')).status).toBe(404);
  });

  it('lets a `tenancy` of a router follow a central one, whose context it replaces in events too', async () => {
    const manager = managerOf();
    const app = express().use(tenancy(manager, { mode: 'central' }), tenancy(manager, options));
    app.post('/', (req, res) => {
      req.resume().on('end', () => res.send(`${manager.currentTenant()?.id}`));
    });
    await using server = await listen(app);
    expect((await server.send(ACME, '/', {}, 'POST', 'x')).body).toBe('acme');
  });

  it('refuses to be passed twice on the way to a handler', async () => {
    const manager = managerOf();
    const app = express().use(tenancy(manager, options), tenancy(managerOf(), options));
    app.use((error: Error, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
      res.send(error.message);
    });
    await using server = await listen(app);
    expect((await server.send(ACME)).body).toContain('once on the way to a handler');
    await manager.allReleased();
  });

  it('binds sessions of express-session before they are saved, also a new one', async () => {
    const manager = managerOf();
    const store = new session.MemoryStore();
    const app = express().use(
      session({ store, secret: 's', resave: false, saveUninitialized: false }),
      tenancy(manager, { ...options, session: (req) => req.session }),
    );
    app.get('/login', (req, res, next) => {
      req.session.regenerate((error) => {
        Reflect.set(req.session, 'user', 5);
        if (error) {
          next(error);
        } else {
          res.send('in');
        }
      });
    });
    app.get('/', (req, res) => void res.send(`${Reflect.get(req.session, 'user')}`));
    await using server = await listen(app);
    const login = await server.send(ACME, '/login');
    const cookie = String(login.headers['set-cookie']).split(';')[0] ?? '';
    expect((await server.send(ACME, '/', { cookie })).body).toBe('5');
    expect((await server.send(GLOBEX, '/', { cookie })).status).toBe(404);
    expect(manager.refusals).toEqual([{ code: 'SESSION_OF_OTHER_TENANT', tenantId: 'globex' }]);
  });
});

describe('tenancyErrors', () => {
  it('leaves to Express what came after the headers, and the errors of routes that `tenancy` left alone', async () => {
    const manager = managerOf();
    const seen: unknown[] = [];
    const app = express().use(tenancy(manager, { ...options, exempt: ['/exempt'], onFailure: () => {} }));
    app.get('/exempt', () => {
      throw new BadTenantRequestError('Not by the tenancy.');
    });
    app.get('/half', (_req, res) => {
      res.write('half');
      throw new ManagerClosedError();
    });
    app.use(tenancyErrors());
    app.use((error: Error, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
      seen.push(error);
      if (res.headersSent) {
        res.destroy();
      } else {
        res.sendStatus(418);
      }
    });
    await using server = await listen(app);
    expect((await server.send(ACME, '/exempt')).status).toBe(418);
    const request = server.open(ACME, '/half');
    request.on('response', (response) => response.on('error', () => {}).resume());
    await new Promise((resolve) => request.once('close', resolve));
    await manager.allReleased();
    expect(seen).toEqual([expect.any(BadTenantRequestError), expect.any(ManagerClosedError)]);
  });
});
