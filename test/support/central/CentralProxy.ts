import { connect } from 'node:net';
import { ListeningServer } from '../connections/ListeningServer.ts';
import { serverUrl } from '../databases.ts';
import { freePort } from '../postgres.ts';

/** A way to the real server that can be cut and opened again, at one address. */
export class CentralProxy implements AsyncDisposable {
  readonly url: string;
  readonly #port: number;
  #server: ListeningServer | undefined;

  private constructor(port: number) {
    this.#port = port;
    const url = new URL(serverUrl());
    url.hostname = '127.0.0.1';
    url.port = String(port);
    this.url = url.href;
  }

  static async start(): Promise<CentralProxy> {
    const proxy = new CentralProxy(await freePort());
    await proxy.up();
    return proxy;
  }

  async up(): Promise<void> {
    const { hostname, port } = new URL(serverUrl());
    this.#server = await ListeningServer.start(this.#port, (client) => {
      const upstream = connect(Number(port), hostname);
      client.pipe(upstream).pipe(client);
      upstream.on('error', () => client.destroy());
      client.on('close', () => upstream.destroy());
    });
  }

  async down(): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    this.#server = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.down();
  }
}
