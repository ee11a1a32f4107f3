import { connect, type Socket } from 'node:net';
import { ListeningServer } from './ListeningServer.ts';

/** A way to the server that can stop to pass anything on, without closing anything. */
export class StallingProxy implements AsyncDisposable {
  readonly url: string;
  readonly #server: ListeningServer;
  readonly #pairs: readonly [Socket, Socket][];
  readonly #stall: () => void;

  private constructor(url: string, server: ListeningServer, pairs: readonly [Socket, Socket][], stall: () => void) {
    this.url = url;
    this.#server = server;
    this.#pairs = pairs;
    this.#stall = stall;
  }

  static async start(serverUrl: string): Promise<StallingProxy> {
    const { hostname, port } = new URL(serverUrl);
    const pairs: [Socket, Socket][] = [];
    let isStalled = false;
    const server = await ListeningServer.start(0, (client) => {
      if (isStalled) {
        return;
      }
      const upstream = connect(Number(port), hostname);
      upstream.on('error', () => client.destroy());
      client.on('error', () => upstream.destroy());
      client.on('close', () => isStalled || upstream.destroy());
      pairs.push([client, upstream]);
      client.pipe(upstream);
      upstream.pipe(client);
    });
    const url = new URL(serverUrl);
    url.port = String(server.port);
    return new StallingProxy(url.href, server, pairs, () => {
      isStalled = true;
    });
  }

  /** From now on nothing gets through, in either direction. */
  stall(): void {
    this.#stall();
    this.stallOpen();
  }

  /** The same for the connections that exist; new ones get through. */
  stallOpen(): void {
    for (const [client, upstream] of this.#pairs) {
      client.unpipe(upstream);
      upstream.unpipe(client);
      client.pause();
    }
  }

  /** Ends what the server still knows of. */
  drop(): void {
    for (const [client, upstream] of this.#pairs) {
      client.destroy();
      upstream.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drop();
    await this.#server[Symbol.asyncDispose]();
  }
}
