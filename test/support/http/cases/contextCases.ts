import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { DoorAdapter } from '../DoorAdapter.ts';
import { ACME, startDoor } from './startDoor.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));
const JSON_BODY = { 'content-type': 'application/json' };

export function contextCases<C>(door: DoorAdapter<C>): void {
  describe('the context of a request', () => {
    it('is its own for each of 64 at once', async () => {
      const { manager, server } = await startDoor(door, {
        handler: async ({ tenant }, manager) => {
          const before = manager.currentTenant()?.id;
          await turn();
          return { body: `${before} ${manager.currentTenant()?.id} ${tenant?.id}` };
        },
      });
      await using _ = server;
      const tenants = Array.from({ length: 64 }, (_, index) => (index % 2 === 0 ? 'acme' : 'globex'));
      const answers = await Promise.all(tenants.map((id) => server.send(`${id}.example.com`)));
      expect(answers.map(({ body }) => body)).toEqual(tenants.map((id) => `${id} ${id} ${id}`));
      await manager.allReleased();
      expect(manager.released).toBe(64);
      expect(manager.currentTenant()).toBeUndefined();
    });

    it('is still there after the body was parsed, whenever it came', async () => {
      const { manager, server } = await startDoor(door, {
        handler: ({ body }, manager) => ({ body: `${manager.currentTenant()?.id} ${JSON.stringify(body)}` }),
      });
      await using _ = server;
      const small = JSON.stringify({ of: 'acme' });
      expect((await server.send(ACME, '/', JSON_BODY, 'POST', small)).body).toBe(`acme ${small}`);
      if (door.parsesBodiesFirst === true) {
        return;
      }
      const socket = await server.connect();
      const lines = ['POST / HTTP/1.1', `Host: ${ACME}`, 'Content-Type: application/json', 'Connection: close'];
      socket.write(`${lines.join('\r\n')}\r\nContent-Length: ${small.length}\r\n\r\n${small.slice(0, 5)}`);
      while (manager.acquired < 2) {
        await turn();
      }
      await turn();
      socket.write(small.slice(5));
      expect(String(await readAll(socket))).toContain(`acme ${small}`);
    });

    it('is that of work that the handler leaves behind, too', async () => {
      const late = Promise.withResolvers<string | undefined>();
      const { server } = await startDoor(door, {
        handler: ({ res }, manager) => {
          void once(res, 'close')
            .then(turn)
            .then(() => late.resolve(manager.currentTenant()?.id));
          return { body: 'ok' };
        },
      });
      await using _ = server;
      await server.send(ACME);
      expect(await late.promise).toBe('acme');
    });

    it('is that of a stream to its end, however slowly it is read', async () => {
      const chunk = 'x'.repeat(40_000);
      async function* chunks() {
        for (let index = 0; index < 20; index += 1) {
          await turn();
          seen.add(manager.currentTenant()?.id);
          yield chunk;
        }
      }
      const seen = new Set<string | undefined>();
      const { manager, server } = await startDoor(door, { handler: () => ({ body: Readable.from(chunks()) }) });
      await using _ = server;
      expect((await server.send(ACME)).body).toHaveLength(20 * chunk.length);
      expect([...seen]).toEqual(['acme']);
    });

    it('is that of the end of a stream whose client hangs up', async () => {
      const ended = Promise.withResolvers<string | undefined>();
      async function* endless() {
        try {
          for (;;) {
            await turn();
            yield 'x'.repeat(10_000);
          }
        } finally {
          ended.resolve(manager.currentTenant()?.id);
        }
      }
      const { manager, server } = await startDoor(door, { handler: () => ({ body: Readable.from(endless()) }) });
      await using _ = server;
      const request = server.open(ACME);
      request.on('response', (response) => {
        response.on('error', () => {}).once('data', () => request.destroy());
      });
      expect(await ended.promise).toBe('acme');
      await manager.allReleased();
    });

    if (!door.hasContextInEvents) {
      return;
    }
    it('is that of the events of the request and of its response', async () => {
      const { manager, server } = await startDoor(door, {
        handler: ({ res }, manager) => {
          const body = new PassThrough();
          res.once('finish', () => seen.push(manager.currentTenant()?.id));
          res.once('close', () => seen.push(manager.currentTenant()?.id));
          return { body: body.end('ok') };
        },
      });
      await using _ = server;
      const seen: (string | undefined)[] = [];
      await server.send(ACME);
      await manager.allReleased();
      while (seen.length < 2) {
        await turn();
      }
      expect(seen).toEqual(['acme', 'acme']);
    });

    it('is that of the events that the connection brings, as when the client hangs up', async () => {
      const seen = Promise.withResolvers<string | undefined>();
      const { manager, server } = await startDoor(door, {
        handler: ({ res }, manager) => {
          res.once('close', () => seen.resolve(manager.currentTenant()?.id));
          const endless = new PassThrough();
          endless.write('the beginning');
          return { body: endless };
        },
      });
      await using _ = server;
      const request = server.open(ACME);
      request.on('response', (response) => {
        response.on('error', () => {}).once('data', () => request.destroy());
      });
      expect(await seen.promise).toBe('acme');
      await manager.allReleased();
    });
  });
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
