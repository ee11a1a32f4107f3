import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** The length and the protocol version that stand before the parameters of a startup message. */
const HEADER_BYTES = 8;

/**
 * A TCP proxy before PostgreSQL that puts another database into the startup message, as a pooler with a wrong or
 * wildcard entry in its configuration does. Everything else passes as it is.
 */
export class RewritingPooler implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #target: URL;

  private constructor(target: URL, rewrite: (database: string) => string) {
    this.#target = target;
    this.#server = createServer((client) => this.#forward(client, rewrite));
  }

  static async start(target: string, rewrite: (database: string) => string): Promise<RewritingPooler> {
    const pooler = new RewritingPooler(new URL(target), rewrite);
    pooler.#server.listen(0, '127.0.0.1');
    await once(pooler.#server, 'listening');
    return pooler;
  }

  /** `postgresql://user:password@host:port` of the proxy. */
  get url(): string {
    const url = new URL(this.#target);
    const { port } = this.#server.address() as AddressInfo;
    url.hostname = '127.0.0.1';
    url.port = String(port);
    return url.href;
  }

  #forward(client: Socket, rewrite: (database: string) => string): void {
    const upstream = connect(Number(this.#target.port), this.#target.hostname);
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.once('data', (startup) => {
      upstream.write(rewritten(startup, rewrite));
      client.pipe(upstream);
    });
    upstream.pipe(client);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    await once(this.#server, 'close');
  }
}

function rewritten(startup: Buffer, rewrite: (database: string) => string): Buffer {
  const parameters = startup.toString('utf8', HEADER_BYTES).split('\0');
  const at = parameters.findIndex((text, index) => index % 2 === 0 && text === 'database') + 1;
  parameters[at] = rewrite(parameters[at] ?? '');
  const body = Buffer.from(parameters.join('\0'));
  const header = Buffer.from(startup.subarray(0, HEADER_BYTES));
  header.writeInt32BE(HEADER_BYTES + body.length, 0);
  return Buffer.concat([header, body]);
}
