import { once } from 'node:events';
import {
  type ClientRequest,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
} from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import Koa from 'koa';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A Koa application on a port of its own, with the errors that reached it. */
export class KoaServer implements AsyncDisposable {
  readonly app: Koa;
  readonly errors: unknown[] = [];
  readonly #server: Server;

  private constructor(app: Koa) {
    this.app = app;
    app.on('error', (error: unknown) => this.errors.push(error));
    this.#server = createServer(app.callback());
  }

  static async start(...middleware: readonly Koa.Middleware[]): Promise<KoaServer> {
    const app = new Koa();
    for (const each of middleware) {
      app.use(each);
    }
    const started = new KoaServer(app);
    started.#server.listen(0, '127.0.0.1');
    await once(started.#server, 'listening');
    return started;
  }

  get port(): number {
    const { port } = this.#server.address() as AddressInfo;
    return port;
  }

  /** Sends a request and gives the whole answer. */
  async send(host: string, path = '/', headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
    const sent = this.open(host, path, headers, method);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
  }

  /** Sends a request and leaves the answer to the caller. */
  open(host: string, path = '/', headers: Record<string, string> = {}, method = 'GET'): ClientRequest {
    const sent = request({
      host: '127.0.0.1',
      port: this.port,
      path,
      method,
      headers: { host, ...headers },
      agent: false,
    });
    sent.on('error', () => {});
    return sent.end();
  }

  /** Sends bytes as they are and gives everything that comes back until the server closes the connection. */
  async sendRaw(...lines: readonly string[]): Promise<string> {
    const socket = await this.connect();
    // Not `end`: node gives no answer to a client that has closed its side already.
    socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
    return text(socket);
  }

  async connect(): Promise<Socket> {
    const socket = connect(this.port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
