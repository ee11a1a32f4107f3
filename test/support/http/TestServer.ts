import { once } from 'node:events';
import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server on a port of its own, and a client for it. */
export class TestServer implements AsyncDisposable {
  /** What reached the application's own handling of errors, or was reported to it. */
  readonly errors: unknown[] = [];
  readonly #server: Server;

  protected constructor(server: Server) {
    this.#server = server;
  }

  static async listen(server: Server): Promise<TestServer> {
    return new TestServer(server).listening();
  }

  protected async listening(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get port(): number {
    const { port } = this.#server.address() as AddressInfo;
    return port;
  }

  /** Sends a request and gives the whole answer. */
  async send(
    host: string,
    path = '/',
    headers: Record<string, string> = {},
    method = 'GET',
    body?: string,
  ): Promise<Answer> {
    const sent = this.open(host, path, headers, method, body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
  }

  /** Sends a request and leaves the answer to the caller. */
  open(host: string, path = '/', headers: Record<string, string> = {}, method = 'GET', body?: string): ClientRequest {
    const sent = request({
      host: '127.0.0.1',
      port: this.port,
      path,
      method,
      headers: { host, ...headers },
      agent: false,
    });
    sent.on('error', () => {});
    return sent.end(body);
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
