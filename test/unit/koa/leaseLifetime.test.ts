import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect as connectHttp2, createServer } from 'node:http2';
import { type AddressInfo, connect as connectSocket } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { Context, Middleware } from 'koa';
import { bySubdomain, type TenancyOptions, tenancy, trustResolution } from '../../../src/koa/index.ts';
import { FakeManager } from '../../support/koa/FakeManager.ts';
import { KoaServer } from '../../support/koa/KoaServer.ts';

const HOST = 'acme.example.com';

interface Setup {
  readonly manager?: FakeManager;
  readonly before?: Middleware;
  readonly authorize?: TenancyOptions['authorize'];
}

async function start(
  handler: Middleware,
  { manager = managerOf(), before = passOn, authorize = trustResolution }: Setup = {},
) {
  const middleware = tenancy(manager, { resolve: bySubdomain('example.com'), authorize });
  return { manager, server: await KoaServer.start(before, middleware, handler) };
}

const answersWith =
  (status: number): Middleware =>
  (ctx) => {
    ctx.status = status;
  };
const managerOf = () => new FakeManager([{ id: 'acme', database: 'acme' }]);
const passOn: Middleware = (_ctx, next) => next();

function assertReleasedOnce({ manager, server }: { readonly manager: FakeManager; readonly server: KoaServer }) {
  expect({ acquired: manager.acquired, released: manager.released }).toEqual({ acquired: 1, released: 1 });
  expect(server.errors).toEqual([]);
}

describe('the lease of a request', () => {
  it('is released after the response has been sent, not before', async () => {
    const order: string[] = [];
    const manager = managerOf();
    manager.onRelease = () => order.push('released');
    const started = await start(
      async (ctx) => {
        ctx.res.once('finish', () => order.push('sent'));
        await Promise.resolve();
        ctx.body = 'ok';
        order.push('handled');
      },
      { manager },
    );
    await using _ = started.server;
    await started.server.send(HOST);
    await manager.allReleased();
    expect(order).toEqual(['handled', 'sent', 'released']);
    assertReleasedOnce(started);
  });

  it.each<[string, Middleware, number]>([
    ['has no body', answersWith(204), 204],
    ['is not modified', answersWith(304), 304],
    ['was not touched', () => {}, 404],
    [
      'is written by the handler',
      (ctx) => {
        ctx.respond = false;
        ctx.res.writeHead(200).end('raw');
      },
      200,
    ],
  ])('is released when the response %s', async (_case, handler, status) => {
    const started = await start(handler);
    await using _ = started.server;
    expect((await started.server.send(HOST)).status).toBe(status);
    await started.manager.allReleased();
    assertReleasedOnce(started);
  });

  it('lasts as long as a stream flows after the handler', async () => {
    const stream = new PassThrough();
    const started = await start((ctx) => {
      ctx.body = stream;
    });
    await using _ = started.server;
    stream.write('first');
    const [response] = (await once(started.server.open(HOST), 'response')) as [IncomingMessage];
    expect(String((await once(response, 'data'))[0])).toBe('first');
    expect(started.manager.released).toBe(0);
    stream.end('last');
    expect(String((await once(response, 'data'))[0])).toBe('last');
    await started.manager.allReleased();
    assertReleasedOnce(started);
  });

  it('lasts as long as server-sent events are listened to', async () => {
    const events = new PassThrough();
    const started = await start((ctx) => {
      ctx.type = 'text/event-stream';
      ctx.flushHeaders();
      ctx.body = events;
    });
    await using _ = started.server;
    const request = started.server.open(HOST);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    for (const data of ['one', 'two']) {
      events.write(`data: ${data}\n\n`);
      expect(String((await once(response, 'data'))[0])).toBe(`data: ${data}\n\n`);
    }
    expect(started.manager.released).toBe(0);
    response.on('error', () => {});
    request.destroy();
    await started.manager.allReleased();
    expect(started.manager.released).toBe(1);
    expect(events.destroyed).toBe(true);
  });

  it('is released when a stream fails half-way', async () => {
    const stream = new PassThrough();
    const started = await start((ctx) => {
      ctx.body = stream;
    });
    await using _ = started.server;
    stream.write('first');
    const [response] = (await once(started.server.open(HOST), 'response')) as [IncomingMessage];
    response.on('error', () => {}).resume();
    stream.destroy(new Error('disk full'));
    await started.manager.allReleased();
    expect(started.manager.released).toBe(1);
  });

  it('is kept while the handler still works for a client that is gone', async () => {
    const work = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const started = await start(async (ctx) => {
      ctx.res.once('close', gone.resolve);
      request.destroy();
      await work.promise;
      ctx.body = started.manager.currentTenant()?.id;
    });
    await using _ = started.server;
    const request = started.server.open(HOST);
    await gone.promise;
    await new Promise((resolve) => setImmediate(resolve));
    expect(started.manager.released).toBe(0);
    work.resolve();
    await started.manager.allReleased();
    assertReleasedOnce(started);
  });

  it('is kept while the handler still works after it has sent the response itself', async () => {
    const work = Promise.withResolvers<void>();
    const started = await start(async (ctx) => {
      ctx.respond = false;
      ctx.res.end('early');
      await work.promise;
    });
    await using _ = started.server;
    expect((await started.server.send(HOST)).body).toBe('early');
    await new Promise((resolve) => setImmediate(resolve));
    expect(started.manager.released).toBe(0);
    work.resolve();
    await started.manager.allReleased();
    assertReleasedOnce(started);
  });

  it('is released when the handler throws, and the error is left to Koa', async () => {
    const broken = new Error('broken');
    const started = await start(() => {
      throw broken;
    });
    await using _ = started.server;
    expect(await started.server.send(HOST)).toMatchObject({ status: 500, body: 'Internal Server Error' });
    await started.manager.allReleased();
    expect(started.manager.released).toBe(1);
    expect(started.server.errors).toEqual([broken]);
  });

  it('is released when the handler throws after its client is gone', async () => {
    const started = await start(async (ctx) => {
      const gone = once(ctx.res, 'close');
      request.destroy();
      await gone;
      throw new Error('too late');
    });
    await using _ = started.server;
    const request = started.server.open(HOST);
    await once(started.manager.steps, 'released');
    expect(started.manager.released).toBe(1);
    expect(started.server.errors).toEqual([new Error('too late')]);
  });

  it('is released when middleware before has sent an answer meanwhile', async () => {
    const started = await start(
      (ctx) => {
        ctx.body = 'never sent';
      },
      {
        before: async (ctx, next) => {
          const handled = next();
          ctx.respond = false;
          ctx.res.end('timed out');
          await handled;
        },
      },
    );
    await using _ = started.server;
    expect((await started.server.send(HOST)).body).toBe('timed out');
    await started.manager.allReleased();
    expect(started.manager.released).toBe(started.manager.acquired);
    expect(started.server.errors).toEqual([]);
  });

  it('is not taken when the response is over already', async () => {
    const left = Promise.withResolvers<void>();
    const started = await start(() => {}, {
      before: async (ctx, next) => {
        ctx.respond = false;
        const closed = once(ctx.res, 'close');
        ctx.res.end('done');
        await closed;
        await next();
        left.resolve();
      },
    });
    await using _ = started.server;
    await started.server.send(HOST);
    await left.promise;
    expect(started.manager.acquired).toBe(0);
  });

  it('reports a failure to release to the application', async () => {
    const started = await start((ctx) => {
      ctx.body = 'ok';
    });
    await using _ = started.server;
    started.manager.onRelease = () => {
      throw new Error('cannot release');
    };
    const reported = once(started.server.app, 'error');
    expect((await started.server.send(HOST)).status).toBe(200);
    expect(await reported).toEqual([new Error('cannot release'), expect.anything()]);
  });

  it('is taken and released for each request of a connection that is kept alive', async () => {
    const started = await start((ctx) => {
      ctx.body = ctx.path;
    });
    await using _ = started.server;
    const get = (path: string, connection: string) =>
      `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: ${connection}\r\n\r\n`;
    const answer = await started.server.sendRaw(
      `${get('/1', 'keep-alive')}${get('/2', 'keep-alive')}${get('/3', 'close')}`,
    );
    expect(answer.match(/^\/[123]/gm)).toEqual(['/1', '/2', '/3']);
    await started.manager.allReleased();
    expect(started.manager.released).toBe(3);
    expect(started.server.errors).toEqual([]);
  });

  it('is released for every pipelined request when the client leaves before the first answer', async () => {
    const work = Promise.withResolvers<void>();
    const allIn = Promise.withResolvers<void>();
    const first = Promise.withResolvers<Context>();
    const started = await start(async (ctx) => {
      if (ctx.path === '/1') {
        first.resolve(ctx as Context);
        await work.promise;
      }
      if (started.manager.acquired === 20) {
        allIn.resolve();
      }
      ctx.body = ctx.path;
    });
    await using _ = started.server;
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    const socket = await started.server.connect();
    for (let index = 1; index <= 20; index += 1) {
      socket.write(`GET /${index} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    }
    const { res } = await first.promise;
    await allIn.promise;
    expect(started.manager.released).toBe(0);
    const gone = once(res, 'close');
    socket.destroy();
    await gone;
    work.resolve();
    await started.manager.allReleased();
    process.off('warning', onWarning);
    expect(started.manager.released).toBe(20);
    expect(warnings).toEqual([]);
  });

  it('is released when an HTTP/2 client resets its stream, and kept for the others of the session', async () => {
    const stream = new PassThrough();
    const started = await start((ctx) => {
      ctx.body = ctx.path === '/stays' ? stream : new PassThrough();
      ctx.flushHeaders();
    });
    await using _ = started.server;
    const http2 = createServer(started.server.app.callback()).listen(0, '127.0.0.1');
    await once(http2, 'listening');
    const { port } = http2.address() as AddressInfo;
    const session = connectHttp2('http://unused', { createConnection: () => connectSocket(port, '127.0.0.1') });
    const stays = session.request({ ':path': '/stays', ':authority': HOST });
    const leaves = session.request({ ':path': '/leaves', ':authority': HOST });
    await Promise.all([once(stays, 'response'), once(leaves, 'response')]);
    leaves.close();
    await once(started.manager.steps, 'released');
    expect(started.manager.released).toBe(1);
    stream.end();
    stays.resume();
    await started.manager.allReleased();
    expect(started.manager.released).toBe(2);
    session.close();
    http2.close();
    await once(http2, 'close');
  });
});

describe('a client that leaves before there is a lease', () => {
  const neverCalled: Middleware = () => {
    throw new Error('the handler ran');
  };

  /** Resolves when the middleware is done with the request. */
  function watched() {
    const done = Promise.withResolvers<void>();
    const before: Middleware = async (_ctx, next) => {
      await next();
      done.resolve();
    };
    return { before, done: done.promise };
  }

  it('gets no handler run, and leaves no lease behind', async () => {
    const { before, done } = watched();
    const gone = Promise.withResolvers<void>();
    const manager = managerOf();
    manager.beforeLease = async () => {
      request.destroy();
      await gone.promise;
    };
    const started = await start(neverCalled, {
      manager,
      before: async (ctx, next) => {
        ctx.res.once('close', gone.resolve);
        await before(ctx as never, next);
      },
    });
    await using _ = started.server;
    const request = started.server.open(HOST);
    await done;
    assertReleasedOnce(started);
    expect(manager.refusals).toEqual([]);
  });

  it('hides no failure', async () => {
    const gone = Promise.withResolvers<void>();
    const manager = managerOf();
    manager.beforeLease = async () => {
      request.destroy();
      await gone.promise;
      throw new Error('wrong password');
    };
    const started = await start(neverCalled, {
      manager,
      before: (ctx, next) => {
        ctx.res.once('close', gone.resolve);
        return next();
      },
    });
    await using _ = started.server;
    const reported = once(started.server.app, 'error');
    const request = started.server.open(HOST);
    expect(await reported).toEqual([new Error('wrong password'), expect.anything()]);
  });

  it('opens nothing when it leaves during authorize', async () => {
    const { before, done } = watched();
    const authorize: TenancyOptions['authorize'] = async (ctx) => {
      const gone = once(ctx.res, 'close');
      request.destroy();
      await gone;
      return true;
    };
    const started = await start(neverCalled, { before, authorize });
    await using _ = started.server;
    const request = started.server.open(HOST);
    await done;
    expect(started.manager.acquired).toBe(0);
    expect(started.server.errors).toEqual([]);
  });
});
