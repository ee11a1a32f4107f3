import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { exchange } from './exchange.ts';

/**
 * Sends GET requests on keep-alive connections, each as soon as the one before it has been answered, and each with a
 * Host of its own. It reads of an answer what it must, so that the server is what is measured. Any answer but a 200
 * with a Content-Length is an error.
 */
export class HttpLoad {
  readonly #sockets: readonly Socket[];
  readonly #requests: readonly string[];

  static async open(port: number, connections: number, hosts: readonly string[]): Promise<HttpLoad> {
    const sockets = Array.from({ length: connections }, () => connect({ port, host: '127.0.0.1', noDelay: true }));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    return new HttpLoad(sockets, hosts);
  }

  private constructor(sockets: readonly Socket[], hosts: readonly string[]) {
    this.#sockets = sockets;
    this.#requests = hosts.map((host) => `GET / HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json\r\n\r\n`);
  }

  /** Requests answered a second. Hosts are chosen at random, all equally often. */
  async run(durationMs: number): Promise<{ readonly perSecond: number; readonly answered: number }> {
    const startedAt = performance.now();
    const until = startedAt + durationMs;
    const counts = await Promise.all(this.#sockets.map((socket) => this.#loop(socket, until)));
    const answered = counts.reduce((sum, count) => sum + count, 0);
    return { perSecond: (answered * 1_000) / (performance.now() - startedAt), answered };
  }

  /** Asks for each host once, one after the other. */
  async visitAll(): Promise<void> {
    const [socket] = this.#sockets as [Socket];
    for (const request of this.#requests) {
      await answerOf(socket, request);
    }
  }

  async #loop(socket: Socket, until: number): Promise<number> {
    let answered = 0;
    while (performance.now() < until) {
      await answerOf(socket, this.#requests[Math.floor(Math.random() * this.#requests.length)] ?? '');
      answered += 1;
    }
    return answered;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }
}

/** Any answer but a 200 with a Content-Length is an error. */
async function answerOf(socket: Socket, request: string): Promise<void> {
  const { status, text } = await exchange(socket, request);
  if (status !== 200) {
    throw new Error(`The server answered ${status}:\n${text}`);
  }
}
