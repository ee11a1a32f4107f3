import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { DoorAdapter } from '../DoorAdapter.ts';
import { ACME, startDoor } from './startDoor.ts';

export function leaseCases<C>(door: DoorAdapter<C>): void {
  describe('the lease of a request', () => {
    it('is released after the response has been sent, not before', async () => {
      const order: string[] = [];
      const { manager, server } = await startDoor(door, {
        handler: async ({ res }) => {
          res.once('finish', () => order.push('sent'));
          await Promise.resolve();
          order.push('handled');
          return { body: 'ok' };
        },
      });
      await using _ = server;
      manager.onRelease = () => order.push('released');
      await server.send(ACME);
      await manager.allReleased();
      expect(order).toEqual(['handled', 'sent', 'released']);
    });

    it.each([204, 304, 404])('is released after a response of status %d', async (status) => {
      const { manager, server } = await startDoor(door, { handler: () => ({ status }) });
      await using _ = server;
      expect((await server.send(ACME)).status).toBe(status);
      await manager.allReleased();
      expect(manager.released).toBe(1);
    });

    it('lasts as long as a stream flows after the handler', async () => {
      const stream = new PassThrough();
      const { manager, server } = await startDoor(door, { handler: () => ({ body: stream }) });
      await using _ = server;
      stream.write('first');
      const [response] = (await once(server.open(ACME), 'response')) as [IncomingMessage];
      expect(String((await once(response, 'data'))[0])).toBe('first');
      expect(manager.released).toBe(0);
      stream.end('last');
      expect(String((await once(response, 'data'))[0])).toBe('last');
      await manager.allReleased();
      expect(manager.released).toBe(1);
    });

    it('lasts as long as server-sent events are listened to', async () => {
      const events = new PassThrough();
      const { manager, server } = await startDoor(door, {
        handler: () => ({ headers: { 'Content-Type': 'text/event-stream' }, body: events }),
      });
      await using _ = server;
      events.write('data: zero\n\n');
      const request = server.open(ACME);
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      expect(String((await once(response, 'data'))[0])).toBe('data: zero\n\n');
      for (const data of ['one', 'two']) {
        events.write(`data: ${data}\n\n`);
        expect(String((await once(response, 'data'))[0])).toBe(`data: ${data}\n\n`);
      }
      expect(manager.released).toBe(0);
      response.on('error', () => {});
      request.destroy();
      await manager.allReleased();
      expect(manager.released).toBe(1);
    });

    it('is released when a stream fails half-way', async () => {
      const stream = new PassThrough();
      const { manager, server } = await startDoor(door, { handler: () => ({ body: stream }) });
      await using _ = server;
      stream.write('first');
      const [response] = (await once(server.open(ACME), 'response')) as [IncomingMessage];
      response.on('error', () => {}).resume();
      stream.destroy(new Error('disk full'));
      await manager.allReleased();
      expect(manager.released).toBe(1);
    });

    it('is released when the client is gone, at the latest when the handler is done', async () => {
      const work = Promise.withResolvers<void>();
      const gone = Promise.withResolvers<void>();
      const seen: unknown[] = [];
      const { manager, server } = await startDoor(door, {
        handler: async ({ res }, manager) => {
          res.once('close', gone.resolve);
          request.destroy();
          await work.promise;
          seen.push(manager.currentTenant()?.id);
          return { body: 'too late' };
        },
      });
      await using _ = server;
      const request = server.open(ACME);
      await gone.promise;
      await new Promise((resolve) => setImmediate(resolve));
      expect(manager.released).toBe(door.waitsForHandlers ? 0 : 1);
      work.resolve();
      await manager.allReleased();
      await new Promise((resolve) => setImmediate(resolve));
      expect([manager.released, seen]).toEqual([1, ['acme']]);
    });

    it('is not taken when the client leaves during authorize', async () => {
      const asked = Promise.withResolvers<void>();
      const gone = Promise.withResolvers<void>();
      const left = Promise.withResolvers<void>();
      const { manager, server } = await startDoor(door, {
        options: {
          resolve: async () => ({ by: 'id', id: 'acme' }),
          authorize: async () => {
            asked.resolve();
            await gone.promise;
            left.resolve();
            return true;
          },
        },
      });
      await using _ = server;
      const request = server.open(ACME);
      await asked.promise;
      const socket = request.socket;
      request.destroy();
      await once(socket as NonNullable<typeof socket>, 'close');
      await new Promise((resolve) => setImmediate(resolve));
      gone.resolve();
      await left.promise;
      await new Promise((resolve) => setImmediate(resolve));
      await manager.allReleased();
      expect(server.errors).toEqual([]);
    });

    it('is taken and released for each request of a connection that is kept alive', async () => {
      const { manager, server } = await startDoor(door, { handler: ({ path }) => ({ body: path }) });
      await using _ = server;
      const get = (path: string, connection: string) =>
        `GET ${path} HTTP/1.1\r\nHost: ${ACME}\r\nConnection: ${connection}\r\n\r\n`;
      const answer = await server.sendRaw(`${get('/1', 'keep-alive')}${get('/2', 'keep-alive')}${get('/3', 'close')}`);
      expect(answer.match(/^\/[123]/gm)).toEqual(['/1', '/2', '/3']);
      await manager.allReleased();
      expect(manager.released).toBe(3);
    });

    it('is released for every pipelined request when the client leaves before the first answer', async () => {
      const work = Promise.withResolvers<void>();
      const allIn = Promise.withResolvers<void>();
      const first = Promise.withResolvers<ServerResponse>();
      const { manager, server } = await startDoor(door, {
        handler: async ({ path, res }, manager) => {
          if (manager.acquired === 10) {
            allIn.resolve();
          }
          if (path === '/1') {
            first.resolve(res);
            await work.promise;
          }
          return { body: path };
        },
      });
      await using _ = server;
      const socket = await server.connect();
      for (let index = 1; index <= 10; index += 1) {
        socket.write(`GET /${index} HTTP/1.1\r\nHost: ${ACME}\r\n\r\n`);
      }
      const res = await first.promise;
      await allIn.promise;
      expect(manager.released).toBe(0);
      const gone = once(res, 'close');
      socket.destroy();
      await gone;
      work.resolve();
      await manager.allReleased();
      expect(manager.released).toBe(10);
    });

    it('is a failure to report when it cannot be released', async () => {
      const { manager, server } = await startDoor(door);
      await using _ = server;
      const tried = Promise.withResolvers<void>();
      manager.onRelease = () => {
        tried.resolve();
        throw new Error('cannot release');
      };
      expect((await server.send(ACME)).status).toBe(200);
      await tried.promise;
      await new Promise((resolve) => setImmediate(resolve));
      expect(server.errors).toEqual([new Error('cannot release')]);
    });
  });
}
