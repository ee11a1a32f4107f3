import { connect, createServer, type Server, type Socket } from 'node:net';

/** A pooler with a wrong entry: whoever asks for one database is sent to another. */
export class MisdirectingProxy implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(url: string, server: Server, sockets: Set<Socket>) {
    this.url = url;
    this.#server = server;
    this.#sockets = sockets;
  }

  static async start(
    serverUrl: string,
    asked: string,
    given: string,
    rename: (startup: Buffer, asked: string, given: string) => Buffer = renamed,
  ): Promise<MisdirectingProxy> {
    const target = new URL(serverUrl);
    const sockets = new Set<Socket>();
    const server = createServer((client) => {
      const upstream = connect(Number(target.port), target.hostname);
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => to.end());
      }
      client.once('data', (startup) => {
        upstream.write(rename(startup, asked, given));
        client.pipe(upstream);
      });
      upstream.pipe(client);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    const url = new URL(serverUrl);
    url.port = String(typeof address === 'object' ? address?.port : '');
    return new MisdirectingProxy(url.href, server, sockets);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}

/** The startup message with another database; its length field counts bytes, and so is written anew. */
function renamed(startup: Buffer, asked: string, given: string): Buffer {
  const body = startup.subarray(4).toString('latin1').replace(`\0${asked}\0`, `\0${given}\0`);
  const message = Buffer.from(`    ${body}`, 'latin1');
  message.writeInt32BE(message.length);
  return message;
}
