import { once } from 'node:events';
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { close, listen, portOf } from '../httpServer.ts';

const LOCAL = { port: 0, host: '127.0.0.1' };

describe('closing the server', () => {
  async function serverWithRequest() {
    const agent = new Agent({ keepAlive: true });
    const arrived = Promise.withResolvers<ServerResponse>();
    const server = await listen((_req, res) => arrived.resolve(res), LOCAL);
    const sent = request({ ...LOCAL, port: portOf(server), agent }).end();
    const answered = once(sent, 'response').then(([response]) => text(response as IncomingMessage));
    return { agent, server, answered, response: await arrived.promise };
  }

  it('lets a request under way finish, although its connection would be kept', async () => {
    const { agent, server, answered, response } = await serverWithRequest();
    const closed = close(server, 10_000);
    const refused = once(
      request({ ...LOCAL, port: (response.req.socket.address() as { port: number }).port }),
      'error',
    );
    expect(await refused).toMatchObject([{ code: 'ECONNREFUSED' }]);
    response.end('done');
    expect(await answered).toBe('done');
    await closed;
    agent.destroy();
  });

  it('cuts a request off that goes on after the deadline', async () => {
    const { agent, server, answered } = await serverWithRequest();
    const cut = expect(answered).rejects.toThrow('socket hang up');
    await close(server, 1);
    await cut;
    agent.destroy();
  });
});

describe('listening', () => {
  it('says in one sentence that the port is in use', async () => {
    const first = await listen(() => {}, LOCAL);
    const port = portOf(first);
    await expect(listen(() => {}, { ...LOCAL, port })).rejects.toThrow(
      `127.0.0.1:${port} is in use by another program. Stop it, or choose a port: PORT=${port + 1}.`,
    );
    await close(first, 0);
  });
});
