import { createServer, type Server, type Socket } from 'node:net';
import { until } from '../manager/TestTenants.ts';

/** A TCP server that does with its clients what the test says. */
export class ListeningServer implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #clients: Set<Socket>;

  private constructor(port: number, server: Server, clients: Set<Socket>) {
    this.port = port;
    this.#server = server;
    this.#clients = clients;
  }

  static async start(port: number, serve: (client: Socket) => void): Promise<ListeningServer> {
    const clients = new Set<Socket>();
    const server = createServer((client) => {
      clients.add(client);
      client.on('error', () => client.destroy());
      client.on('close', () => clients.delete(client));
      client.resume();
      serve(client);
    });
    await new Promise<void>((resolve) => {
      server.listen(port, '127.0.0.1', resolve);
    });
    const address = server.address();
    return new ListeningServer(typeof address === 'object' ? (address?.port ?? 0) : 0, server, clients);
  }

  get clients(): number {
    return this.#clients.size;
  }

  clientsAre(count: number): Promise<void> {
    return until(async () => this.clients === count, `there are ${this.clients} clients instead of ${count}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) {
      client.destroy();
    }
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}
