import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A message of a client: its type, such as `Q` for a statement and `P` for one that is prepared, and its body. */
export interface ClientMessage {
  readonly type: string;
  readonly body: string;
}

const HEADER_BYTES = 5;

/** A TCP proxy that passes everything on and keeps what clients said. */
export class RecordingProxy implements AsyncDisposable {
  readonly messages: ClientMessage[] = [];
  readonly #target: URL;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((client) => this.#pass(client));
  }

  static async start(target: string): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    const url = new URL(this.#target);
    url.hostname = '127.0.0.1';
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  /** The text of every statement that was sent. */
  get statements(): string[] {
    return this.messages.filter(({ type }) => type === 'Q' || type === 'P').map(({ body }) => body);
  }

  #pass(client: Socket): void {
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
    client.on('data', this.#listener());
    client.pipe(upstream).pipe(client);
  }

  /** Takes one client's bytes apart. The first message has no type. */
  #listener(): (bytes: Buffer) => void {
    let rest: Buffer = Buffer.alloc(0);
    let isStartup = true;
    return (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      while (rest.length >= HEADER_BYTES) {
        const typeBytes = isStartup ? 0 : 1;
        const end = typeBytes + rest.readInt32BE(typeBytes);
        if (rest.length < end) {
          return;
        }
        const type = isStartup ? '' : String.fromCharCode(rest[0] ?? 0);
        this.messages.push({ type, body: rest.toString('utf8', typeBytes + 4, end) });
        isStartup = false;
        rest = rest.subarray(end);
      }
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    await once(this.#server, 'close');
  }
}
